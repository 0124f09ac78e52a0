"""Unit 2, boiler: water and steam, air and flue gas, pulverising. KKS function keys as in VGB-B 105/106."""

from __future__ import annotations

from headworks.simulate.unit2_parts import Part, Row, equipment, metal, running, status

T, P = (0, 600), (0, 25)
MILLS = tuple(f"U2-MILL-{letter}" for letter in "ABCDEF")
DRUM_LEVELS = tuple(f"2HAD10CL00{i}" for i in (1, 2, 3))
FURNACE_PRESSURES = tuple(f"2HBK10CP00{i}" for i in (1, 2, 3))
TOTAL_COAL, ECO_FLOW, MFT = "2HHE10CF001", "2HAC10CF001", "2CJF10EZ001XB01"


def _water_and_steam() -> list[Part]:
    s = "U2-WS"
    return [
        equipment("U2-DRUM", s, "boiler_part", "HAD10", ("汽包", "Drum"), "boiler", [
            ("CP001", "压力1", "pressure 1", "MPa", P, (11.9, 18.3),
             {"tau": 20, "ramp": -0.8, "coal": 0.08, "off": 8.0, "off_tau": 160}),
            ("CP002", "压力2", "pressure 2", "MPa", P, (11.9, 18.3),
             {"tau": 20, "ramp": -0.8, "coal": 0.08, "off": 8.0, "off_tau": 160}),
            *((f"CL00{i}", f"水位{i}", f"level {i}", "mm", (-400, 400), (b, b),
              {"tau": 8, "wander": 2.5, "wander_tau": 60, "ramp": -50, "drum": 12, "off": -235, "off_tau": 22})
                  for i, b in ((1, 2), (2, -1), (3, -4))),
            ("CT001", "上壁温度", "upper wall temperature", "℃", T, (324, 357), {"tau": 150}),
            ("CT002", "下壁温度", "lower wall temperature", "℃", T, (318, 351), {"tau": 180}),
        ]),
        equipment("U2-ECO", s, "boiler_part", "HAC10", ("省煤器", "Economiser"), "feed", [
            ("CF001", "入口给水流量", "inlet feedwater flow", "t/h", (0, 2500), (965, 1990),
             {"tau": 6, "ramp": 60, "drum": -10, "off": 210, "off_tau": 8}),
            ("CP001", "入口给水压力", "inlet pressure", "MPa", (0, 30), (12.8, 19.6), {"off": 9.2, "off_tau": 60}),
            ("CT001", "入口给水温度", "inlet temperature", "℃", (0, 400), (234, 276), {"tau": 90, "off": 148, "off_tau": 70}),
            ("CT002", "出口水温", "outlet temperature", "℃", (0, 450), (279, 315),
             {"tau": 100, "coal": 0.8, "off": 220, "off_tau": 150}),
        ]),
        equipment("U2-WW", s, "boiler_part", "HAD20", ("水冷壁", "Water wall"), "boiler",
                  metal(6, "壁温", "metal temperature", T, (350, 388))),
        equipment("U2-FSH", s, "boiler_part", "HAH40", ("末级过热器", "Final superheater"), "boiler",
                  metal(5, "壁温", "metal temperature", (0, 700), (546, 560))),
        equipment("U2-FRH", s, "boiler_part", "HAJ40", ("末级再热器", "Final reheater"), "boiler",
                  metal(4, "壁温", "metal temperature", (0, 700), (544, 563))),
    ]  # fmt: skip


def _steam() -> list[Part]:
    s = "U2-WS"
    parts = []
    for side, zh, en, n in (("A", "左侧", "left", 10), ("B", "右侧", "right", 20)):
        bias = 0.0 if n == 10 else 1.5
        redundant = ("1", "2", "3") if n == 10 else ("1",)
        parts += [
            equipment(f"U2-MS-{side}", s, "boiler_part", f"LBA{n}", (f"主蒸汽{zh}", f"Main steam {en}"), "boiler", [
                *((f"CP00{i}", f"压力{i}", f"pressure {i}", "MPa", P, (11.2, 16.7),
                  {"tau": 15, "ramp": -0.9, "coal": 0.08, "off": 6.5, "off_tau": 120}) for i in redundant),
                ("CT001", "温度1", "temperature 1", "℃", T, (537.5 - bias, 538.5 - bias),
                 {"tau": 50, "wander": 0.8, "ramp": -8, "coal": 1.2, "off": 440, "off_tau": 110}),
                ("CT002", "温度2", "temperature 2", "℃", T, (537.2 - bias, 538.2 - bias),
                 {"tau": 50, "wander": 0.8, "ramp": -8, "coal": 1.2, "off": 440, "off_tau": 110}),
            ]),
            equipment(f"U2-HRH-{side}", s, "boiler_part", f"LBB{n}", (f"再热蒸汽{zh}", f"Hot reheat {en}"), "steam", [
                ("CP001", "压力", "pressure", "MPa", (0, 6), (1.72, 3.44), {"off": 0.05}),
                ("CT001", "温度", "temperature", "℃", T, (531 - bias, 538 - bias),
                 {"wander": 0.8, "ramp": -9, "coal": 1.2, "off": 425, "off_tau": 110}),
            ]),
            equipment(f"U2-SH-{side}", s, "boiler_part", f"HAH{n}", (f"过热器{zh}", f"Superheater {en}"), "boiler", [
                ("CT001", "一级减温器入口汽温", "spray 1 inlet temperature", "℃", T, (402, 418), {"coal": 1.5}),
                ("CT002", "一级减温器出口汽温", "spray 1 outlet temperature", "℃", T, (388, 401), {"coal": 1.2}),
                ("CT003", "屏式过热器出口汽温", "platen outlet temperature", "℃", T, (497, 509), {"ramp": -6, "coal": 1.6}),
                ("CT004", "二级减温器出口汽温", "spray 2 outlet temperature", "℃", T, (486, 496), {"coal": 1.2}),
            ]),
            equipment(f"U2-SPR-{side}", s, "valve", f"LAE{n}", (f"减温水{zh}", f"Spray water {en}"), "fuel", [
                ("CF001", "一级减温水流量", "spray 1 flow", "t/h", (0, 120), (15, 41), {"ramp": 10, "coal": 1.0}),
                ("CG001", "一级减温水调门", "spray 1 valve position", "%", (0, 100), (22, 46)),
                ("CF002", "二级减温水流量", "spray 2 flow", "t/h", (0, 80), (9, 21), {"ramp": 6, "coal": 0.8}),
                ("CG002", "二级减温水调门", "spray 2 valve position", "%", (0, 100), (18, 39)),
            ]),
        ]  # fmt: skip
    parts += [
        equipment("U2-CRH", s, "boiler_part", "LBC10", ("冷再热蒸汽", "Cold reheat"), "steam", [
            ("CP001", "压力", "pressure", "MPa", (0, 6), (1.9, 3.8), {"off": 0.06}),
            ("CT001", "温度", "temperature", "℃", T, (298, 322), {"off_tau": 90}),
        ]),
        equipment("U2-RSPR", s, "valve", "LAF10", ("再热减温水", "Reheat spray"), "fuel", [
            ("CF001", "流量", "flow", "t/h", (0, 60), (4, 9), {"ramp": 4, "coal": 0.4}),
            ("CG001", "调门", "valve position", "%", (0, 100), (8, 17)),
        ]),
        equipment("U2-HBP", s, "valve", "LBF10", ("高压旁路", "HP bypass"), "turbine", [
            ("CG001", "阀位", "valve position", "%", (0, 100), (0.4, 0.4),
             {"noise": 0.05, "wander": 0.05, "off": 42, "off_tau": 4}),
            ("CT001", "阀后温度", "outlet temperature", "℃", T, (205, 210), {"off": 318, "off_tau": 25}),
        ]),
        equipment("U2-LBP", s, "valve", "MAN10", ("低压旁路", "LP bypass"), "turbine", [
            ("CG001", "阀位", "valve position", "%", (0, 100), (0.4, 0.4),
             {"noise": 0.05, "wander": 0.05, "off": 55, "off_tau": 4}),
            ("CT001", "阀后温度", "outlet temperature", "℃", T, (62, 64), {"off": 118, "off_tau": 25}),
        ]),
        equipment("U2-MSH", s, "boiler_part", "LBA30", ("主蒸汽母管", "Main steam header"), "steam", [
            ("CF001", "流量", "flow", "t/h", (0, 2400), (980, 2010), {"tau": 10, "ramp": 60, "off": 30}),
        ]),
    ]  # fmt: skip
    return parts


FANS = (
    # asset, KKS, zh, en, section, current [A], head [kPa], range of head, vibration, bearing temperature, rest of a stopped one
    ("FDF", "HLB", "送风机", "FD fan", "draft", (68, 128), (0.9, 2.3), (0, 6), 1.6, 48, 0.45),
    ("PAF", "HFE", "一次风机", "PA fan", "paf", (102, 160), (8.2, 10.8), (0, 18), 2.0, 52, 0.0),
    ("IDF", "HNC", "引风机", "ID fan", "draft", (196, 405), (-1.7, -4.1), (-8, 1), 2.2, 54, 0.4),
)


def _fans() -> list[Part]:
    parts = []
    for short, kks, zh, en, section, amps, head, span, vib, temp, rest in FANS:
        for side, n in (("A", 10), ("B", 20)):
            k = 1.0 if side == "A" else 1.03
            rows: list[Row] = [
                ("CE001", "电流", "motor current", "A", (0, 600), (amps[0] * k, amps[1] * k),
                 {"tau": 6, "ramp": 40, "furnace": 1.0, "off": amps[0] * rest, "off_tau": 3}),
                ("CP001", "出口压力", "outlet pressure", "kPa", span, head,
                 {"tau": 5, "furnace": 0.03, "off": head[0] * rest, "off_tau": 4}),
                ("CG001", "动叶开度", "blade position", "%", (0, 100), (38 * k, 71 * k),
                 {"ramp": 8, "off": 38 * rest, "off_tau": 6}),
                ("CT001", "驱动端轴承温度", "drive-end bearing temperature", "℃", (0, 150), (temp, temp + 4),
                 {"tau": 45, "ambient": 0.5}),
                ("CT002", "非驱动端轴承温度", "non-drive-end bearing temperature", "℃", (0, 150), (temp - 3, temp + 1),
                 {"tau": 45, "ambient": 0.5}),
                ("CY001", "驱动端轴承振动", "drive-end bearing vibration", "mm/s", (0, 25), (vib, vib + 0.4)),
                ("CY002", "非驱动端轴承振动", "non-drive-end bearing vibration", "mm/s", (0, 25), (vib - 0.3, vib)),
                ("CT003", "电机轴承温度", "motor bearing temperature", "℃", (0, 150), (temp - 4, temp), {"ambient": 0.5}),
                ("CT004", "电机绕组温度", "motor winding temperature", "℃", (0, 180), (68, 86), {"tau": 120, "ambient": 0.7}),
                running(off=0 if section == "paf" else 1),
            ]  # fmt: skip
            parts.append(
                equipment(
                    f"U2-{short}-{side}", "U2-DRAFT", "fan", f"{kks}{n}", (f"{zh}{side}", f"{en} {side}"), section, rows
                )
            )
    return parts


def _air_and_gas() -> list[Part]:
    s = "U2-DRAFT"
    parts = [
        equipment("U2-FURN", s, "boiler_part", "HBK10", ("炉膛", "Furnace"), "fuel", [
            *((f"CP00{i}", f"压力{i}", f"pressure {i}", "Pa", (-3000, 3000), (b, b - 12),
              {"tau": 3, "noise": 9, "res": 1, "wander": 8, "wander_tau": 20, "ramp": -60, "furnace": 12, "off": -60,
                  "off_tau": 3}) for i, b in ((1, -80), (2, -84), (3, -78))),
            ("CP010", "二次风箱差压", "windbox differential pressure", "kPa", (0, 3), (0.44, 0.92), {"off": 0.15}),
            ("CT001", "出口烟温", "outlet gas temperature", "℃", (0, 1200), (862, 985),
             {"tau": 40, "noise": 1.5, "res": 1, "wander": 4, "coal": 6, "off": 230, "off_tau": 60}),
        ]),
        equipment("U2-COAL", s, "boiler_part", "HHE10", ("总燃料", "Total fuel"), "fuel", [
            ("CF001", "煤量", "coal flow", "t/h", (0, 450), (168, 309), {"tau": 4, "ramp": 45, "coal": 3.0, "off_tau": 2}),
        ]),
        equipment("U2-AIR", s, "boiler_part", "HLA10", ("总风", "Total air"), "draft", [
            ("CF001", "风量", "flow", "t/h", (0, 3000), (1265, 2255), {"ramp": 90, "furnace": 5, "off": 780, "off_tau": 10}),
            ("CP001", "二次风母管压力", "secondary header pressure", "kPa", (0, 6), (0.8, 1.9), {"off": 0.4}),
        ]),
        equipment("U2-HPA", s, "boiler_part", "HFE30", ("热一次风母管", "Hot primary air header"), "paf", [
            ("CP001", "压力", "pressure", "kPa", (0, 15), (7.2, 9.0), {"off_tau": 3}),
        ]),
        equipment("U2-STACK", s, "boiler_part", "HNE10", ("烟囱入口", "Stack inlet"), "fuel", [
            ("CQ001", "NOx", "NOx", "mg/m3", (0, 200), (34, 38), {"ramp": 12, "coal": 1.5, "off": 6}),
            ("CQ002", "SO2", "SO2", "mg/m3", (0, 200), (17, 22), {"coal": 1.5, "off": 3}),
            ("CQ003", "烟尘", "dust", "mg/m3", (0, 50), (2.6, 3.4), {"off": 1}),
            ("CF001", "烟气流量", "gas flow", "t/h", (0, 4000), (1480, 2640),
             {"section": "draft", "off": 900, "off_tau": 12}),
        ]),
    ]  # fmt: skip
    for side, zh, en, n in (("A", "左侧", "left", 10), ("B", "右侧", "right", 20)):
        parts += [
            equipment(f"U2-GAS-{side}", s, "boiler_part", f"HNA{n}",
                (f"省煤器出口烟道{zh}", f"Economiser outlet duct {en}"), "fuel", [
                ("CQ001", "氧量1", "O2 1", "%", (0, 21), (5.1, 3.1),
                 {"tau": 15, "noise": 0.04, "wander": 0.1, "ramp": -0.8, "coal": -0.1, "off": 20.2, "off_tau": 12}),
                ("CQ002", "氧量2", "O2 2", "%", (0, 21), (5.0, 3.0),
                 {"tau": 15, "noise": 0.04, "wander": 0.1, "ramp": -0.8, "coal": -0.1, "off": 20.2, "off_tau": 12}),
                ("CT001", "烟温", "gas temperature", "℃", (0, 500), (322, 368),
                 {"tau": 80, "coal": 1.2, "off": 190, "off_tau": 120}),
            ]),
            equipment(f"U2-APH-{side}", s, "air_heater", f"HLD{n}", (f"空预器{side}", f"Air heater {side}"), "draft", [
                ("CT001", "出口一次风温", "primary air outlet temperature", "℃", (0, 450), (276, 312), {"tau": 90}),
                ("CT002", "出口二次风温", "secondary air outlet temperature", "℃", (0, 450), (286, 324), {"tau": 90}),
                ("CT003", "出口烟温", "gas outlet temperature", "℃", (0, 250), (112, 129), {"tau": 120, "ambient": 1.0}),
                ("CE001", "电流", "motor current", "A", (0, 40), (13.2, 14.1), {"off": 13.2}),
                ("CP001", "烟气侧差压", "gas differential pressure", "kPa", (0, 4), (0.62, 1.31), {"off": 0.2}),
                running(off=1),
            ]),
        ]  # fmt: skip
    return parts


def _mills() -> list[Part]:
    parts = []
    for i, letter in enumerate("ABCDEF"):
        d, section = 0.5 * i, f"mill_{letter.lower()}"
        flow = (27.5 + 0.2 * i, 51.0 + 0.2 * i)
        parts += [
            equipment(f"U2-MILL-{letter}", "U2-PULV", "mill", f"HFC{(i + 1) * 10}",
                (f"磨煤机{letter}", f"Mill {letter}"), section, [
                ("CE001", "电流", "motor current", "A", (0, 120), (43 + d, 61 + d),
                 {"tau": 12, "ramp": 10, "coal": 0.6, "wander": 0.3}),
                ("CT001", "出口温度1", "outlet temperature 1", "℃", (0, 150), (78, 75),
                 {"tau": 25, "ramp": -6, "coal": -0.5, "off": 44, "off_tau": 45}),
                ("CT002", "出口温度2", "outlet temperature 2", "℃", (0, 150), (78.4, 75.4),
                 {"tau": 25, "ramp": -6, "coal": -0.5, "off": 44, "off_tau": 45}),
                ("CF001", "入口一次风量", "primary air flow", "t/h", (0, 140), (75, 101), {"ramp": 10, "off_tau": 3}),
                ("CT003", "入口一次风温", "primary air temperature", "℃", (0, 400), (228, 262),
                 {"tau": 40, "wander": 1.2, "coal": 1.5, "off": 90, "off_tau": 40}),
                ("CP001", "进出口差压", "differential pressure", "kPa", (0, 12), (3.1, 4.9),
                 {"tau": 12, "noise": 0.03, "res": 0.01, "wander": 0.05, "coal": 0.1, "off_tau": 3}),
                ("CT004", "推力轴承温度", "thrust bearing temperature", "℃", (0, 120), (50, 55), {"tau": 90, "ambient": 0.5}),
                ("CT005", "电机绕组温度", "motor winding temperature", "℃", (0, 180), (66, 84), {"tau": 120, "ambient": 0.6}),
                ("CY001", "振动", "vibration", "mm/s", (0, 25), (2.6, 3.1)),
                running(),
                status("EN001XB01", "火检有火", "flame on"),
            ]),
            equipment(f"U2-FEED-{letter}", "U2-PULV", "feeder", f"HFB{(i + 1) * 10}",
                (f"给煤机{letter}", f"Coal feeder {letter}"), section, [
                ("CF001", "给煤量", "coal flow", "t/h", (0, 80), flow,
                 {"tau": 4, "noise": 0.12, "wander": 0.2, "ramp": 7.5, "coal": 0.5, "off_tau": 1.5}),
                running(),
            ]),
        ]  # fmt: skip
    return parts


SYSTEMS = (
    Part("U2-WS", "U2", "system", "", "汽水系统", "Water and steam"),
    Part("U2-DRAFT", "U2", "system", "", "风烟系统", "Air and flue gas"),
    Part("U2-PULV", "U2", "system", "", "制粉系统", "Pulverising"),
)
PARTS: tuple[Part, ...] = (*_water_and_steam(), *_steam(), *_air_and_gas(), *_fans(), *_mills())
