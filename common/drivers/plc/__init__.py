"""Programmable logic controllers: one driver contract over simulation, Modbus TCP and OPC UA."""
