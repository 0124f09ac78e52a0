"""Tags of the boiler: steam, drum, air and flue gas, fans, mills. KKS function keys as in VGB-B 105/106."""

from __future__ import annotations

from headworks.simulate.tags import Machine, Tag, tag

SIDES = (("A", "左", "left", 10), ("B", "右", "right", 20))
FANS = (
    # asset, KKS, zh, en, current [A] at 50/100 %, pressure [kPa] at 50/100 %, pressure range, base vibration, base bearing ℃
    ("FDF", "HLB", "送风机", "FD fan", (62, 118), (0.9, 2.2), (0, 6), 1.6, 48),
    ("PAF", "HFE", "一次风机", "PA fan", (95, 148), (8.2, 10.6), (0, 18), 2.0, 52),
    ("IDF", "HNC", "引风机", "ID fan", (180, 372), (-1.6, -3.9), (-8, 1), 2.2, 54),
)


def _fans() -> tuple[list[Tag], list[Machine]]:
    tags: list[Tag] = []
    machines: list[Machine] = []
    for short, kks, zh, en, amps, head, span, vib, temp in FANS:
        for side, n in (("A", 10), ("B", 20)):
            p, a, z, e = f"1{kks}{n}", f"U1-{short}-{side}", f"{zh}{side}", f"{en} {side}"
            skew = 1.0 if side == "A" else 1.03
            tags += [
                tag(f"{p}CE001", a, f"{z}电流", f"{e} motor current", "A", (0, 600),
                    (amps[0] * skew, amps[1] * skew), tau=6, noise=0.6, res=0.1, ramp=40, furnace=1.0),
                tag(f"{p}CP001", a, f"{z}出口压力", f"{e} outlet pressure", "kPa", span, head,
                    tau=5, noise=0.02, res=0.01, furnace=0.03),
                tag(f"{p}CG001", a, f"{z}动叶开度", f"{e} blade position", "%", (0, 100),
                    (38 * skew, 71 * skew), tau=8, noise=0.1, res=0.1, ramp=8),
                tag(f"{p}CT001", a, f"{z}驱动端轴承温度", f"{e} drive-end bearing temperature", "℃", (0, 150),
                    (temp, temp + 4), tau=45, noise=0.12, res=0.1, wander=0.4, ambient=0.5),
                tag(f"{p}CT002", a, f"{z}非驱动端轴承温度", f"{e} non-drive-end bearing temperature", "℃", (0, 150),
                    (temp - 3, temp + 1), tau=45, noise=0.12, res=0.1, wander=0.4, ambient=0.5),
                tag(f"{p}CY001", a, f"{z}驱动端轴承振动", f"{e} drive-end bearing vibration", "mm/s", (0, 25),
                    (vib, vib + 0.4), tau=4, noise=0.09, res=0.01, wander=0.12),
                tag(f"{p}CY002", a, f"{z}非驱动端轴承振动", f"{e} non-drive-end bearing vibration", "mm/s", (0, 25),
                    (vib - 0.3, vib), tau=4, noise=0.09, res=0.01, wander=0.12),
                tag(f"{p}CT003", a, f"{z}电机轴承温度", f"{e} motor bearing temperature", "℃", (0, 150),
                    (temp - 4, temp), tau=60, noise=0.12, res=0.1, wander=0.4, ambient=0.5),
                tag(f"{p}CT004", a, f"{z}电机绕组温度", f"{e} motor winding temperature", "℃", (0, 180),
                    (68, 86), tau=120, noise=0.15, res=0.1, wander=0.5, ambient=0.7),
            ]  # fmt: skip
            machines.append(Machine(a, (f"{p}CY001", f"{p}CY002"), (f"{p}CT001", f"{p}CT002"), f"{p}CE001"))
    return tags, machines


def _mills() -> list[Tag]:
    tags: list[Tag] = []
    for i, letter in enumerate("ABCDEF"):
        p, a, z, e = f"1HFC{(i + 1) * 10}", f"U1-MILL-{letter}", f"磨煤机{letter}", f"Mill {letter}"
        flow = (26.0 + 0.6 * i, 46.0 + 0.5 * i)
        tags += [
            tag(f"{p}CE001", a, f"{z}电流", f"{e} motor current", "A", (0, 120), (41 + 0.5 * i, 58 + 0.5 * i),
                tau=15, noise=0.4, res=0.1, ramp=10, coal=0.6),
            tag(f"{p}CF001", a, f"{z}给煤量", f"{e} coal feed", "t/h", (0, 80), flow,
                tau=5, noise=0.15, res=0.1, ramp=14, coal=0.8),
            tag(f"{p}CT001", a, f"{z}出口温度", f"{e} outlet temperature", "℃", (0, 150), (78, 75),
                tau=40, noise=0.15, res=0.1, wander=0.7, ramp=-6, coal=-0.5),
            tag(f"{p}CF002", a, f"{z}入口一次风量", f"{e} primary air flow", "t/h", (0, 140), (72, 96),
                tau=8, noise=0.5, res=0.1, ramp=10),
            tag(f"{p}CT002", a, f"{z}入口一次风温", f"{e} primary air temperature", "℃", (0, 400), (228, 262),
                tau=60, noise=0.4, res=0.1, wander=1.5, coal=1.5),
            tag(f"{p}CP001", a, f"{z}进出口差压", f"{e} differential pressure", "kPa", (0, 12), (3.1, 4.9),
                tau=12, noise=0.04, res=0.01, wander=0.06, coal=0.1),
            tag(f"{p}CT003", a, f"{z}推力轴承温度", f"{e} thrust bearing temperature", "℃", (0, 120), (50, 55),
                tau=90, noise=0.12, res=0.1, wander=0.4, ambient=0.5),
        ]  # fmt: skip
    return tags


def _steam() -> list[Tag]:
    tags = [
        tag("1LBA10CF001", "U1-MS", "主蒸汽流量", "Main steam flow", "t/h", (0, 2200), (890, 1830),
            tau=10, noise=3, res=1, ramp=60),
        tag("1LBC10CP001", "U1-RH", "冷再热蒸汽压力", "Cold reheat pressure", "MPa", (0, 6), (1.86, 3.72),
            tau=8, noise=0.004, res=0.001),
        tag("1LBC10CT001", "U1-RH", "冷再热蒸汽温度", "Cold reheat temperature", "℃", (0, 450), (298, 322),
            tau=60, noise=0.2, res=0.1, wander=0.6),
        tag("1HAD10CP001", "U1-DRUM", "汽包压力", "Drum pressure", "MPa", (0, 25), (11.9, 18.4),
            tau=20, noise=0.012, res=0.01, ramp=-0.8, coal=0.08),
        tag("1HAC10CF001", "U1-ECO", "省煤器入口给水流量", "Economiser inlet flow", "t/h", (0, 2300), (880, 1815),
            tau=15, noise=4, res=1, ramp=60, drum=-10),
        tag("1HAC10CP001", "U1-ECO", "省煤器入口给水压力", "Economiser inlet pressure", "MPa", (0, 30), (12.8, 19.6),
            tau=15, noise=0.015, res=0.01, ramp=-0.6),
        tag("1HAC10CT001", "U1-ECO", "省煤器入口给水温度", "Economiser inlet temperature", "℃", (0, 400), (231, 273),
            tau=90, noise=0.2, res=0.1, wander=0.5),
        tag("1HAC10CT002", "U1-ECO", "省煤器出口水温", "Economiser outlet temperature", "℃", (0, 450), (276, 312),
            tau=100, noise=0.2, res=0.1, wander=0.6, coal=0.8),
        tag("1HAD10CT001", "U1-DRUM", "汽包上壁温度", "Drum upper wall temperature", "℃", (0, 450), (324, 357),
            tau=150, noise=0.2, res=0.1),
        tag("1HAD10CT002", "U1-DRUM", "汽包下壁温度", "Drum lower wall temperature", "℃", (0, 450), (318, 351),
            tau=180, noise=0.2, res=0.1),
    ]  # fmt: skip
    tags += [
        tag(f"1HAD10CL00{i}", "U1-DRUM", f"汽包水位{i}", f"Drum level {i}", "mm", (-400, 400), (shift, shift),
            tau=8, noise=2.0, res=1, wander=2.5, wander_tau=60, ramp=-60, drum=12)
        for i, shift in ((1, 2.0), (2, -1.0), (3, -4.0))
    ]  # fmt: skip
    for _side, zh, en, n in SIDES:
        bias = 0.0 if n == 10 else 1.5
        tags += [
            tag(f"1LBA{n}CP001", "U1-MS", f"主蒸汽压力{zh}侧", f"Main steam pressure, {en}", "MPa", (0, 25), (11.2, 16.7),
                tau=15, noise=0.012, res=0.01, ramp=-0.9, coal=0.08),
            tag(f"1LBA{n}CT001", "U1-MS", f"主蒸汽温度{zh}侧", f"Main steam temperature, {en}", "℃", (0, 600),
                (537.5 - bias, 538.5 - bias), tau=50, noise=0.25, res=0.1, wander=0.9, ramp=-8, coal=1.2),
            tag(f"1LBB{n}CP001", "U1-RH", f"再热蒸汽压力{zh}侧", f"Hot reheat pressure, {en}", "MPa", (0, 6), (1.68, 3.36),
                tau=10, noise=0.004, res=0.001),
            tag(f"1LBB{n}CT001", "U1-RH", f"再热蒸汽温度{zh}侧", f"Hot reheat temperature, {en}", "℃", (0, 600),
                (531 - bias, 538 - bias), tau=60, noise=0.25, res=0.1, wander=1.0, ramp=-9, coal=1.2),
            tag(f"1HAH{n}CT001", "U1-SH", f"一级减温器入口汽温{zh}侧", f"SH spray 1 inlet temperature, {en}", "℃",
                (0, 600), (402, 418), tau=45, noise=0.3, res=0.1, wander=1.0, coal=1.5),
            tag(f"1HAH{n}CT002", "U1-SH", f"一级减温器出口汽温{zh}侧", f"SH spray 1 outlet temperature, {en}", "℃",
                (0, 600), (388, 401), tau=35, noise=0.3, res=0.1, wander=1.0, coal=1.2),
            tag(f"1HAH{n}CT003", "U1-SH", f"屏式过热器出口汽温{zh}侧", f"Platen SH outlet temperature, {en}", "℃",
                (0, 600), (497, 509), tau=45, noise=0.3, res=0.1, wander=1.2, ramp=-6, coal=1.6),
            tag(f"1HAH{n}CT004", "U1-SH", f"二级减温器出口汽温{zh}侧", f"SH spray 2 outlet temperature, {en}", "℃",
                (0, 600), (486, 496), tau=35, noise=0.3, res=0.1, wander=1.0, coal=1.2),
            tag(f"1LAE{n}CF001", "U1-SH", f"一级减温水流量{zh}侧", f"SH spray 1 flow, {en}", "t/h", (0, 120), (14, 38),
                tau=12, noise=0.25, res=0.1, wander=0.8, ramp=10, coal=1.0),
            tag(f"1LAE{n}CF002", "U1-SH", f"二级减温水流量{zh}侧", f"SH spray 2 flow, {en}", "t/h", (0, 80), (8, 19),
                tau=12, noise=0.2, res=0.1, wander=0.6, ramp=6, coal=0.8),
            tag(f"1LAF{n}CF001", "U1-RH", f"再热减温水流量{zh}侧", f"RH spray flow, {en}", "t/h", (0, 60), (3, 7),
                tau=15, noise=0.15, res=0.1, wander=0.4, ramp=4, coal=0.4),
        ]  # fmt: skip
    return tags


def _metal() -> list[Tag]:
    rows = (("HAD", "WW", "水冷壁", "Water wall", 5, (352, 392)), ("HAH", "SH", "末级过热器", "Final SH", 4, (548, 562)),
            ("HAJ", "RH", "末级再热器", "Final RH", 3, (546, 566)))  # fmt: skip
    return [
        tag(f"1{kks}40CT{i:03}", f"U1-{asset}", f"{zh}壁温{i}", f"{en} metal temperature {i}", "℃", (0, 700),
            (lo + 2.5 * i, hi + 2.5 * i), tau=70, noise=0.3, res=0.1, wander=1.5, ramp=8, coal=1.8)
        for kks, asset, zh, en, count, (lo, hi) in rows
        for i in range(1, count + 1)
    ]  # fmt: skip


def _gas() -> list[Tag]:
    tags = [
        tag("1HLA10CF001", "U1-FURN", "总风量", "Total air flow", "t/h", (0, 2800), (1150, 2050),
            tau=10, noise=6, res=1, ramp=90, furnace=5),
        tag("1HHE10CF001", "U1-FURN", "总煤量", "Total coal flow", "t/h", (0, 400), (152, 281),
            tau=8, noise=0.6, res=0.1, ramp=45, coal=3.0),
        tag("1HHE10CP001", "U1-FURN", "二次风箱差压", "Windbox differential pressure", "kPa", (0, 3), (0.42, 0.88),
            tau=6, noise=0.01, res=0.01),
        tag("1HFE30CP001", "U1-FURN", "热一次风母管压力", "Hot primary air header pressure", "kPa", (0, 15), (7.2, 8.9),
            tau=6, noise=0.03, res=0.01),
        tag("1HNA10CQ002", "U1-GAS", "烟囱入口NOx", "Stack inlet NOx", "mg/m3", (0, 200), (34, 38),
            tau=60, noise=0.6, res=0.1, wander=2.5, ramp=12, coal=1.5),
        tag("1HNA10CQ003", "U1-GAS", "烟囱入口SO2", "Stack inlet SO2", "mg/m3", (0, 200), (17, 22),
            tau=90, noise=0.4, res=0.1, wander=1.5, coal=1.5),
        tag("1HNA10CQ004", "U1-GAS", "烟囱入口烟尘", "Stack inlet dust", "mg/m3", (0, 50), (2.6, 3.4),
            tau=90, noise=0.08, res=0.01, wander=0.2),
        tag("1HNA10CQ005", "U1-GAS", "炉膛出口CO", "Furnace outlet CO", "mg/m3", (0, 1000), (42, 60),
            tau=20, noise=3, res=1, wander=6, ramp=20),
    ]  # fmt: skip
    tags += [
        tag(f"1HBK10CP00{i}", "U1-FURN", f"炉膛压力{i}", f"Furnace pressure {i}", "Pa", (-2000, 2000), (-80, -95),
            tau=3, noise=9, res=1, wander=8, wander_tau=20, ramp=-60, furnace=12)
        for i in (1, 2, 3)
    ]  # fmt: skip
    for side, zh, en, n in SIDES:
        a = f"U1-APH-{side}"
        tags += [
            tag(f"1HNA{n}CQ001", "U1-GAS", f"省煤器出口氧量{zh}侧", f"Economiser outlet O2, {en}", "%", (0, 21), (5.1, 3.1),
                tau=15, noise=0.04, res=0.01, wander=0.12, ramp=-0.8, coal=-0.1),
            tag(f"1HNA{n}CT001", a, f"空预器入口烟温{side}", f"Air heater {side} gas inlet temperature", "℃", (0, 500),
                (322, 368), tau=80, noise=0.3, res=0.1, wander=1.2, coal=1.2),
            tag(f"1HNA{n}CT002", a, f"空预器出口烟温{side}", f"Air heater {side} gas outlet temperature", "℃", (0, 250),
                (112, 129), tau=120, noise=0.2, res=0.1, wander=0.8, ambient=1.0),
            tag(f"1HLD{n}CT001", a, f"空预器出口一次风温{side}", f"Air heater {side} primary air outlet temperature",
                "℃", (0, 450), (276, 312), tau=90, noise=0.25, res=0.1, wander=0.8),
            tag(f"1HLD{n}CT002", a, f"空预器出口二次风温{side}", f"Air heater {side} secondary air outlet temperature",
                "℃", (0, 450), (286, 324), tau=90, noise=0.25, res=0.1, wander=0.8),
            tag(f"1HLD{n}CE001", a, f"空预器{side}电流", f"Air heater {side} motor current", "A", (0, 40), (13.2, 14.1),
                tau=10, noise=0.08, res=0.01, wander=0.15),
            tag(f"1HNA{n}CP001", a, f"空预器烟气侧差压{side}", f"Air heater {side} gas differential pressure", "kPa",
                (0, 4), (0.62, 1.31), tau=10, noise=0.015, res=0.01),
        ]  # fmt: skip
    return tags


_FAN_TAGS, MACHINES = _fans()
TAGS: tuple[Tag, ...] = (*_steam(), *_metal(), *_gas(), *_FAN_TAGS, *_mills())
