"""Tags of the condenser, the circulating and condensate water and the plant services (balance of plant)."""

from __future__ import annotations

from headworks.simulate.tags import Tag, tag

BACK_PRESSURE = ("1MAG10CP001", "1MAG20CP001")
EXHAUST_TEMPERATURE = ("1MAG10CT001", "1MAG20CT001")
HOTWELL_TEMPERATURE = "1MAG10CT002"
VACUUM = "1MAG10CP002"
TTD = "1MAG10CT010"
SUBCOOLING = "1MAG10CT011"
OXYGEN = "1LCA10CQ001"
CW_IN = ("1PAB10CT001", "1PAB20CT001")
CW_OUT = ("1PAB10CT002", "1PAB20CT002")
VACUUM_PUMPS = ("1MAJ10CE001", "1MAJ20CE001")


def _condenser() -> list[Tag]:
    c = "U1-COND"
    calm: dict[str, float] = {"tau": 0, "wander": 0}
    tags = [
        tag(VACUUM, c, "凝汽器真空", "Condenser vacuum", "kPa", (-101.3, 0), (-97.4, -96), noise=0.02, res=0.01, **calm),
        tag(HOTWELL_TEMPERATURE, c, "热井水温", "Hotwell temperature", "℃", (0, 100), (28, 34), noise=0.1, res=0.1, **calm),
        tag(TTD, c, "凝汽器端差", "Condenser terminal temperature difference", "℃", (-5, 40), (2.8, 4.2),
            noise=0.12, res=0.01, **calm),
        tag(SUBCOOLING, c, "凝结水过冷度", "Condensate subcooling", "℃", (-5, 20), (0.6, 0.6), noise=0.1, res=0.01, **calm),
        tag("1MAG10CL001", c, "热井水位", "Hotwell level", "mm", (0, 1500), (760, 765),
            tau=20, noise=2.5, res=1, wander=8, ramp=40, water=-6),
        tag(OXYGEN, c, "凝结水溶解氧", "Condensate dissolved oxygen", "μg/L", (0, 200), (14, 18),
            tau=40, noise=0.3, res=0.1, wander=1.0),
        tag("1LCA10CQ002", c, "凝结水氢电导率", "Condensate cation conductivity", "μS/cm", (0, 5), (0.11, 0.12),
            tau=60, noise=0.002, res=0.001, wander=0.004),
    ]  # fmt: skip
    for i, n in enumerate((10, 20)):
        s, e = ("A", "A") if i == 0 else ("B", "B")
        tags += [
            tag(BACK_PRESSURE[i], c, f"凝汽器背压{s}", f"Condenser back pressure {e}", "kPa", (0, 40), (3.9, 5.4),
                noise=0.02, res=0.01, **calm),
            tag(EXHAUST_TEMPERATURE[i], c, f"低压缸排汽温度{s}", f"LP exhaust temperature {e}", "℃", (0, 120), (29, 34),
                noise=0.12, res=0.1, **calm),
            tag(CW_IN[i], c, f"循环水入口温度{s}", f"Circulating water inlet temperature {e}", "℃", (0, 50), (20, 20),
                noise=0.06, res=0.01, **calm),
            tag(CW_OUT[i], c, f"循环水出口温度{s}", f"Circulating water outlet temperature {e}", "℃", (0, 60), (25, 30),
                noise=0.08, res=0.01, **calm),
            tag(f"1PAB{n}CP001", c, f"循环水入口压力{s}", f"Circulating water inlet pressure {e}", "kPa", (0, 400),
                (182, 184), tau=10, noise=0.6, res=0.1, wander=1.0),
            tag(VACUUM_PUMPS[i], f"U1-VP-{s}", f"真空泵{s}电流", f"Vacuum pump {e} current", "A", (0, 300),
                (118, 121), tau=15, noise=0.5, res=0.1, wander=0.8),
        ]  # fmt: skip
    return tags


def _pumps() -> list[Tag]:
    tags = []
    for side, n in (("A", 10), ("B", 20)):
        cw, cp = f"U1-CWP-{side}", f"U1-CEP-{side}"
        tags += [
            tag(f"1PAC{n}CE001", cw, f"循环水泵{side}电流", f"Circulating water pump {side} current", "A", (0, 500),
                (298, 301), tau=10, noise=0.8, res=0.1, wander=1.2),
            tag(f"1PAC{n}CP001", cw, f"循环水泵{side}出口压力", f"Circulating water pump {side} discharge pressure", "kPa",
                (0, 500), (226, 228), tau=8, noise=0.6, res=0.1, wander=1.0),
            tag(f"1PAC{n}CT001", cw, f"循环水泵{side}推力轴承温度", f"Circulating water pump {side} thrust bearing temperature",
                "℃", (0, 120), (51, 52), tau=90, noise=0.12, res=0.1, wander=0.4, ambient=0.5),
            tag(f"1LCB{n}CE001", cp, f"凝结水泵{side}电流", f"Condensate pump {side} current", "A", (0, 300),
                (74, 112), tau=8, noise=0.5, res=0.1, wander=0.8),
            tag(f"1LCB{n}CP001", cp, f"凝结水泵{side}出口压力", f"Condensate pump {side} discharge pressure", "MPa", (0, 6),
                (2.4, 3.2), tau=8, noise=0.005, res=0.01, wander=0.01),
            tag(f"1LCB{n}CT001", cp, f"凝结水泵{side}轴承温度", f"Condensate pump {side} bearing temperature", "℃", (0, 120),
                (46, 49), tau=60, noise=0.12, res=0.1, wander=0.4, ambient=0.5),
            tag(f"1LCB{n}CY001", cp, f"凝结水泵{side}轴承振动", f"Condensate pump {side} bearing vibration", "mm/s", (0, 25),
                (1.4, 1.6), tau=4, noise=0.08, res=0.01, wander=0.1),
        ]  # fmt: skip
    return tags


def _services() -> list[Tag]:
    s = "U1-SERV"
    return [
        tag("1LCA10CF001", s, "凝结水流量", "Condensate flow", "t/h", (0, 2000), (720, 1420),
            tau=15, noise=3, res=1, wander=5, ramp=30, water=6),
        tag("1LCA10CT001", s, "凝结水精处理出口温度", "Polisher outlet temperature", "℃", (0, 100), (29, 35),
            tau=60, noise=0.1, res=0.1, wander=0.2),
        tag("1PGB10CP001", s, "闭式水母管压力", "Closed cooling water pressure", "MPa", (0, 1.5), (0.52, 0.52),
            tau=10, noise=0.002, res=0.001, wander=0.003),
        tag("1PGB10CT001", s, "闭式水母管温度", "Closed cooling water temperature", "℃", (0, 60), (31, 33),
            tau=120, noise=0.08, res=0.1, wander=0.2, ambient=0.6),
        tag("1PAD10CL001", s, "冷却塔水池水位", "Cooling tower basin level", "mm", (0, 3000), (1820, 1815),
            tau=60, noise=2, res=1, wander=4),
        tag("1PAD10CT001", s, "环境温度", "Ambient temperature", "℃", (-40, 60), (19, 19),
            tau=60, noise=0.06, res=0.1, wander=0.1, ambient=1.5),
        tag("1QEA10CP001", s, "仪用压缩空气压力", "Instrument air pressure", "MPa", (0, 1.2), (0.68, 0.68),
            tau=20, noise=0.002, res=0.001, wander=0.006, wander_tau=60),
    ]  # fmt: skip


TAGS: tuple[Tag, ...] = (*_condenser(), *_pumps(), *_services())
