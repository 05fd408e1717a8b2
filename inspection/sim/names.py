"""What the simulated materials are called; light to import."""

from __future__ import annotations

CHINESE = {"metal": "金属", "glass": "玻璃", "glaze": "陶瓷釉面", "smd": "贴片式电子原件"}
