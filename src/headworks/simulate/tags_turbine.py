"""Tags of the steam turbine and the feedwater heating train."""

from __future__ import annotations

from headworks.simulate.tags import Machine, Tag, tag


def _rotor() -> list[Tag]:
    base = (46, 52, 58, 63, 55, 60, 49, 44)
    metal = (72, 76, 81, 84, 82, 79, 75, 70)
    tags = [
        tag("1MAA10CS001", "U1-ROTOR", "汽轮机转速", "Turbine speed", "r/min", (0, 3600), (3000, 3000),
            tau=2, noise=0.4, res=0.1, wander=0.6, wander_tau=30),
        tag("1MAA10CP001", "U1-HP", "调节级压力", "Governing stage pressure", "MPa", (0, 20), (6.0, 12.1),
            tau=4, noise=0.01, res=0.01),
        tag("1MAA10CT001", "U1-HP", "调节级温度", "Governing stage temperature", "℃", (0, 600), (478, 506),
            tau=40, noise=0.2, res=0.1, wander=0.6),
        tag("1MAA10CT002", "U1-HP", "高压缸排汽温度", "HP exhaust temperature", "℃", (0, 500), (297, 321),
            tau=50, noise=0.2, res=0.1, wander=0.5),
        tag("1MAB10CP001", "U1-HP", "中压缸排汽压力", "IP exhaust pressure", "MPa", (0, 2), (0.41, 0.82),
            tau=6, noise=0.002, res=0.001),
        tag("1MAA10CG001", "U1-ROTOR", "轴向位移", "Axial displacement", "mm", (-2, 2), (0.12, 0.26),
            tau=20, noise=0.004, res=0.001, wander=0.006),
        tag("1MAA10CG002", "U1-ROTOR", "高压缸胀差", "HP differential expansion", "mm", (-10, 15), (2.4, 3.1),
            tau=240, noise=0.01, res=0.01),
        tag("1MAC10CG001", "U1-ROTOR", "低压缸胀差", "LP differential expansion", "mm", (-10, 25), (8.8, 10.2),
            tau=240, noise=0.01, res=0.01),
        tag("1MAA10CG003", "U1-ROTOR", "转子偏心", "Rotor eccentricity", "μm", (0, 200), (24, 26),
            tau=20, noise=0.4, res=0.1),
    ]  # fmt: skip
    tags += [
        tag(f"1MAD10CT00{i}", "U1-ROTOR", f"推力瓦温度{i}", f"Thrust pad temperature {i}", "℃", (0, 150),
            (62 + i, 70 + i), tau=50, noise=0.12, res=0.1, wander=0.4)
        for i in (1, 2)
    ]  # fmt: skip
    for i, (um, deg) in enumerate(zip(base, metal, strict=True), 1):
        p, a = f"1MAD{i:02}", f"U1-BRG-{i}"
        tags += [
            tag(f"{p}CY001", a, f"{i}号轴承X向轴振", f"Bearing {i} shaft vibration X", "μm", (0, 400), (um, um + 5),
                tau=4, noise=0.9, res=0.1, wander=1.6, wander_tau=120),
            tag(f"{p}CY002", a, f"{i}号轴承Y向轴振", f"Bearing {i} shaft vibration Y", "μm", (0, 400), (um - 6, um - 2),
                tau=4, noise=0.9, res=0.1, wander=1.6, wander_tau=120),
            tag(f"{p}CT001", a, f"{i}号轴承金属温度", f"Bearing {i} metal temperature", "℃", (0, 150), (deg, deg + 4),
                tau=60, noise=0.12, res=0.1, wander=0.3),
            tag(f"{p}CT002", a, f"{i}号轴承回油温度", f"Bearing {i} return oil temperature", "℃", (0, 120),
                (deg - 18, deg - 15), tau=90, noise=0.1, res=0.1, wander=0.3),
        ]  # fmt: skip
    return tags


def _oil() -> list[Tag]:
    return [
        tag("1MAV10CP001", "U1-OIL", "润滑油母管压力", "Lube oil header pressure", "MPa", (0, 0.6), (0.142, 0.142),
            tau=5, noise=0.0006, res=0.001, wander=0.001),
        tag("1MAV10CT001", "U1-OIL", "润滑油冷油器出口油温", "Lube oil cooler outlet temperature", "℃", (0, 100), (41, 43),
            tau=90, noise=0.1, res=0.1, wander=0.4, ambient=0.3),
        tag("1MAV10CL001", "U1-OIL", "主油箱油位", "Main oil tank level", "mm", (-500, 500), (12, 8),
            tau=60, noise=0.8, res=1, wander=1.0),
        tag("1MAX10CP001", "U1-OIL", "EH油压力", "EH oil pressure", "MPa", (0, 20), (14.2, 14.2),
            tau=5, noise=0.02, res=0.01, wander=0.03),
        tag("1MAX10CT001", "U1-OIL", "EH油温度", "EH oil temperature", "℃", (0, 100), (45, 46),
            tau=120, noise=0.1, res=0.1, wander=0.4),
        tag("1MAW10CP001", "U1-OIL", "轴封母管压力", "Gland steam header pressure", "kPa", (0, 120), (28, 29),
            tau=8, noise=0.2, res=0.1, wander=0.4),
    ]  # fmt: skip


def _extraction() -> list[Tag]:
    rows = ((1, (2.9, 5.9), (352, 388)), (2, (1.85, 3.7), (298, 322)), (3, (0.86, 1.72), (430, 436)),
            (4, (0.41, 0.82), (334, 338)), (5, (0.17, 0.33), (232, 236)), (6, (0.064, 0.128), (138, 142)))  # fmt: skip
    tags = []
    for i, p, t in rows:
        tags += [
            tag(f"1LBQ{i}0CP001", "U1-EXT", f"{i}段抽汽压力", f"Extraction {i} pressure", "MPa", (0, 8), p,
                tau=8, noise=0.003, res=0.001),
            tag(f"1LBQ{i}0CT001", "U1-EXT", f"{i}段抽汽温度", f"Extraction {i} temperature", "℃", (0, 500), t,
                tau=60, noise=0.2, res=0.1, wander=0.6),
        ]  # fmt: skip
    return tags


def _heaters() -> list[Tag]:
    hp = ((1, (231, 273), (208, 249)), (2, (204, 245), (178, 212)), (3, (176, 207), (150, 180)))
    lp = ((5, (121, 141)), (6, (92, 106)), (7, (70, 84)), (8, (46, 59)))
    tags = []
    for i, water, drain in hp:
        a = f"U1-HPH-{i}"
        tags += [
            tag(f"1LAD{i}0CL001", a, f"{i}号高加水位", f"HP heater {i} level", "mm", (0, 1000), (380, 384),
                tau=10, noise=2, res=1, wander=5, wander_tau=90, ramp=25),
            tag(f"1LAD{i}0CT001", a, f"{i}号高加出口水温", f"HP heater {i} outlet temperature", "℃", (0, 400), water,
                tau=70, noise=0.2, res=0.1, wander=0.5),
            tag(f"1LAD{i}0CT002", a, f"{i}号高加疏水温度", f"HP heater {i} drain temperature", "℃", (0, 400), drain,
                tau=80, noise=0.2, res=0.1, wander=0.5),
        ]  # fmt: skip
    for i, water in lp:
        a = f"U1-LPH-{i}"
        tags += [
            tag(f"1LCC{i}0CL001", a, f"{i}号低加水位", f"LP heater {i} level", "mm", (0, 1000), (360, 362),
                tau=10, noise=2, res=1, wander=5, wander_tau=90, ramp=20),
            tag(f"1LCC{i}0CT001", a, f"{i}号低加出口水温", f"LP heater {i} outlet temperature", "℃", (0, 250), water,
                tau=70, noise=0.2, res=0.1, wander=0.5),
        ]  # fmt: skip
    tags += [
        tag("1LAA10CP001", "U1-DEA", "除氧器压力", "Deaerator pressure", "MPa", (0, 1.5), (0.39, 0.79),
            tau=25, noise=0.001, res=0.001, wander=0.002),
        tag("1LAA10CT001", "U1-DEA", "除氧器水温", "Deaerator temperature", "℃", (0, 250), (143, 171),
            tau=90, noise=0.15, res=0.1, wander=0.3),
        tag("1LAA10CL001", "U1-DEA", "除氧器水位", "Deaerator level", "mm", (0, 3000), (2200, 2205),
            tau=25, noise=3, res=1, wander=8, wander_tau=200, ramp=-60, water=10),
    ]  # fmt: skip
    return tags


def _feed_pumps() -> tuple[list[Tag], list[Machine]]:
    tags: list[Tag] = []
    machines: list[Machine] = []
    for side, n in (("A", 10), ("B", 20)):
        p, a, z, e = f"1LAC{n}", f"U1-FWP-{side}", f"给水泵{side}", f"Feed pump {side}"
        d = 0.0 if side == "A" else 1.2
        tags += [
            tag(f"{p}CS001", a, f"{z}转速", f"{e} speed", "r/min", (0, 7000), (3950 + 20 * d, 5280 + 20 * d),
                tau=10, noise=2.0, res=1, wander=6, ramp=150, water=10),
            tag(f"{p}CP001", a, f"{z}入口压力", f"{e} suction pressure", "MPa", (0, 4), (1.35, 1.85),
                tau=10, noise=0.004, res=0.001),
            tag(f"{p}CP002", a, f"{z}出口压力", f"{e} discharge pressure", "MPa", (0, 35), (13.9, 21.4),
                tau=10, noise=0.015, res=0.01, ramp=-0.5),
            tag(f"{p}CF001", a, f"{z}入口流量", f"{e} suction flow", "t/h", (0, 1300), (458, 930),
                tau=12, noise=2.5, res=1, ramp=30, water=4),
            tag(f"{p}CT001", a, f"{z}驱动端轴承温度", f"{e} drive-end bearing temperature", "℃", (0, 150),
                (59 + d, 64 + d), tau=40, noise=0.12, res=0.1, wander=0.4, ambient=0.3),
            tag(f"{p}CT002", a, f"{z}非驱动端轴承温度", f"{e} non-drive-end bearing temperature", "℃", (0, 150),
                (57 + d, 61 + d), tau=40, noise=0.12, res=0.1, wander=0.4, ambient=0.3),
            tag(f"{p}CY001", a, f"{z}驱动端轴承振动", f"{e} drive-end bearing vibration", "mm/s", (0, 25),
                (1.7, 2.2), tau=4, noise=0.09, res=0.01, wander=0.12),
            tag(f"{p}CY002", a, f"{z}非驱动端轴承振动", f"{e} non-drive-end bearing vibration", "mm/s", (0, 25),
                (1.5, 1.9), tau=4, noise=0.09, res=0.01, wander=0.12),
            tag(f"{p}CT003", a, f"{z}推力轴承温度", f"{e} thrust bearing temperature", "℃", (0, 150),
                (60 + d, 66 + d), tau=45, noise=0.12, res=0.1, wander=0.4, ambient=0.3),
        ]  # fmt: skip
        machines.append(Machine(a, (f"{p}CY001", f"{p}CY002"), (f"{p}CT001", f"{p}CT002")))
    return tags, machines


_PUMP_TAGS, MACHINES = _feed_pumps()
TAGS: tuple[Tag, ...] = (*_rotor(), *_oil(), *_extraction(), *_heaters(), *_PUMP_TAGS)
