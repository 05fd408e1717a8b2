"""A road with its users, walls and furniture, in metres and seconds; knows no sensor."""
