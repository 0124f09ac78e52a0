"""Unit 2, turbine island: turbine, oil, extraction and heaters, feedwater, condensate, condenser, circulating water."""

from __future__ import annotations

from headworks.simulate.unit2_parts import Part, Row, equipment, running, status

T = (0, 600)
BACK_PRESSURE = tuple(f"2MAG10CP00{i}" for i in (1, 2, 3))
VACUUM, EXHAUST, TTD, HOTWELL = "2MAG10CP010", ("2MAG10CT001", "2MAG10CT002"), "2MAG10CT010", "2MAG10CT003"
CW_IN, CW_OUT = ("2PAB10CT001", "2PAB20CT001"), ("2PAB10CT002", "2PAB20CT002")
LUBE_OIL = tuple(f"2MAV10CP00{i}" for i in (1, 2, 3))
SPEED = ("2MAA10CS001", "2MAA10CS002")
PUMP_FLOWS, FEED_FLOW = ("2LAC10CF001", "2LAC20CF001", "2LAC30CF001"), "2LAB10CF001"
HP_HEATERS, LP_HEATERS = ("U2-HPH-1", "U2-HPH-2", "U2-HPH-3"), ("U2-LPH-5", "U2-LPH-6", "U2-LPH-7", "U2-LPH-8")


def _rotor() -> list[Part]:
    s = "U2-TG"
    parts = [
        equipment("U2-ROTOR", s, "turbine_part", "MAA10", ("转子", "Rotor"), "turbine", [
            *((f"CS00{i}", f"转速{i}", f"speed {i}", "r/min", (0, 3600), (3000, 3000),
              {"tau": 2, "noise": 0.4, "wander": 0.6, "wander_tau": 30, "off": 3, "off_tau": 110}) for i in (1, 2)),
            ("CG001", "轴向位移1", "axial displacement 1", "mm", (-2, 2), (0.12, 0.26),
             {"tau": 20, "off": -0.06, "off_tau": 10}),
            ("CG002", "轴向位移2", "axial displacement 2", "mm", (-2, 2), (0.11, 0.25),
             {"tau": 20, "off": -0.07, "off_tau": 10}),
            ("CG003", "高压缸胀差", "HP differential expansion", "mm", (-10, 15), (2.4, 3.1),
             {"tau": 240, "off": 1.2, "off_tau": 300}),
            ("CG004", "低压缸胀差", "LP differential expansion", "mm", (-10, 25), (8.8, 10.2),
             {"tau": 240, "off": 6.5, "off_tau": 300}),
            ("CG005", "转子偏心", "eccentricity", "μm", (0, 200), (24, 26),
             {"tau": 20, "noise": 0.4, "res": 0.1, "wander": 0.4, "off": 34, "off_tau": 60}),
            *((f"CT00{i}", f"推力瓦温度{i}", f"thrust pad temperature {i}", "℃", (0, 150), (62 + i, 70 + i),
              {"tau": 50}) for i in (1, 2)),
        ]),
        equipment("U2-HP", s, "turbine_part", "MAA20", ("高压缸", "HP cylinder"), "turbine", [
            ("CP001", "调节级压力", "governing stage pressure", "MPa", (0, 20), (6.2, 12.6), {"tau": 4, "off_tau": 3}),
            ("CP002", "排汽压力", "exhaust pressure", "MPa", (0, 6), (1.95, 3.9), {"tau": 6, "off_tau": 10}),
            ("CT001", "调节级温度", "governing stage temperature", "℃", T, (478, 506), {"tau": 40}),
            ("CT002", "排汽温度", "exhaust temperature", "℃", (0, 500), (297, 321), {"tau": 50}),
        ]),
        equipment("U2-IP", s, "turbine_part", "MAB10", ("中压缸", "IP cylinder"), "turbine", [
            ("CP001", "排汽压力", "exhaust pressure", "MPa", (0, 2), (0.42, 0.84), {"tau": 6, "off_tau": 6}),
            ("CT001", "进汽温度", "inlet temperature", "℃", T, (529, 536), {"tau": 60, "off_tau": 400}),
            ("CT002", "排汽温度", "exhaust temperature", "℃", T, (332, 338), {"tau": 60, "off_tau": 400}),
        ]),
        equipment("U2-LP", s, "turbine_part", "MAC10", ("低压缸", "LP cylinder"), "turbine", [
            ("CP001", "进汽压力", "inlet pressure", "MPa", (0, 2), (0.4, 0.8), {"tau": 6, "off_tau": 6}),
            ("CG001", "喷水阀位", "hood spray valve position", "%", (0, 100), (0.5, 0.5),
             {"noise": 0.05, "wander": 0.05, "off": 100, "off_tau": 6}),
        ]),
        equipment("U2-MSV", s, "valve", "MAA30", ("主汽门与调门", "Stop and control valves"), "turbine", [
            status("GS001XB01", "左主汽门全开", "left stop valve open"),
            status("GS002XB01", "右主汽门全开", "right stop valve open"),
            *((f"CG00{i}", f"高压调门{i}开度", f"control valve {i} position", "%", (0, 100), (26 + 3 * i, 58 + 6 * i),
              {"ramp": 12, "off_tau": 0.3}) for i in (1, 2, 3, 4)),
            status("GS003XB01", "左中压主汽门全开", "left reheat stop valve open"),
            status("GS004XB01", "右中压主汽门全开", "right reheat stop valve open"),
        ]),
        equipment("U2-ETS", s, "protection", "MAY10", ("汽轮机保护ETS", "Turbine protection ETS"), "turbine", [
            status("EZ001XB01", "跳闸", "trip", on=0, off=1),
        ]),
    ]  # fmt: skip
    base, deg = (46, 52, 58, 63, 55, 60, 49, 44), (72, 76, 81, 84, 82, 79, 75, 70)
    for i, (um, t) in enumerate(zip(base, deg, strict=True), 1):
        rows: list[Row] = [
            ("CY001", "X向轴振", "shaft vibration X", "μm", (0, 400), (um, um + 5),
             {"wander_tau": 120, "off": um * 0.6, "off_tau": 60}),
            ("CY002", "Y向轴振", "shaft vibration Y", "μm", (0, 400), (um - 6, um - 2),
             {"wander_tau": 120, "off": um * 0.5, "off_tau": 60}),
            ("CT001", "金属温度", "metal temperature", "℃", (0, 150), (t, t + 4), {}),
            ("CT002", "回油温度", "return oil temperature", "℃", (0, 120), (t - 18, t - 15), {"tau": 90}),
        ]  # fmt: skip
        parts.append(
            equipment(f"U2-BRG-{i}", s, "bearing", f"MAD{i:02}", (f"{i}号轴承", f"Bearing {i}"), "turbine", rows)
        )
    return parts


def _oil() -> list[Part]:
    s = "U2-OILS"
    return [
        equipment("U2-LUBE", s, "turbine_part", "MAV10", ("润滑油", "Lube oil"), "", [
            *((f"CP00{i}", f"母管压力{i}", f"header pressure {i}", "MPa", (0, 0.6), (p, p),
              {"tau": 3, "noise": 0.0006, "wander": 0.001}) for i, p in ((1, 0.142), (2, 0.143), (3, 0.141))),
            ("CT001", "冷油器出口油温", "cooler outlet temperature", "℃", (0, 100), (41, 43), {"tau": 90, "ambient": 0.3}),
            ("CL001", "主油箱油位", "main tank level", "mm", (-500, 500), (12, 8), {"tau": 60, "noise": 0.8, "wander": 1.0}),
            running("交流油泵运行", "AC pump running", on=0, off=1, section="turbine"),
            status("AP002XB01", "直流油泵运行", "DC pump running", on=0, off=0),
        ]),
        equipment("U2-EH", s, "turbine_part", "MAX10", ("EH油", "EH oil"), "", [
            ("CP001", "压力", "pressure", "MPa", (0, 20), (14.2, 14.2), {"tau": 5}),
            ("CP002", "安全油压", "safety oil pressure", "MPa", (0, 20), (13.6, 13.6),
             {"tau": 3, "section": "turbine", "off_tau": 0.4}),
            ("CT001", "油温", "temperature", "℃", (0, 100), (45, 46), {"tau": 120}),
            ("CL001", "油箱油位", "tank level", "mm", (0, 800), (520, 519), {"tau": 60, "noise": 0.6, "wander": 0.8}),
            running("油泵A运行", "pump A running", off=1),
        ]),
        equipment("U2-GLAND", s, "turbine_part", "MAW10", ("轴封", "Gland steam"), "steam", [
            ("CP001", "母管压力", "header pressure", "kPa", (0, 120), (28, 29), {"off": 24, "off_tau": 30}),
            ("CT001", "母管温度", "header temperature", "℃", (0, 400), (282, 286), {"off": 240}),
        ]),
    ]  # fmt: skip


def _heaters() -> list[Part]:
    s = "U2-REGEN"
    parts = []
    extraction = ((1, "LBQ10", (3.0, 6.1), (352, 388)), (2, "LBQ20", (1.9, 3.8), (298, 322)), (3,
        "LBQ30", (0.88, 1.78), (430, 436)),
                  (4, "LBS40", (0.42, 0.84), (334, 338)), (5, "LBS50", (0.17, 0.34), (232, 236)), (6,
                   "LBS60", (0.066, 0.131), (138, 142)))  # fmt: skip
    for i, kks, p, t in extraction:
        parts.append(equipment(f"U2-EXT-{i}", s, "pipe", kks, (f"{i}段抽汽", f"Extraction {i}"), "hph" if i <= 3 else "lph", [
            ("CP001", "压力", "pressure", "MPa", (0, 8), p, {"off_tau": 6}),
            ("CT001", "温度", "temperature", "℃", (0, 500), t, {"off_tau": 60}),
            status("GS001XB01", "逆止门开", "check valve open"),
        ]))  # fmt: skip
    hp = ((1, (234, 276), (211, 252), 1.2), (2, (207, 248), (181, 215), -0.4), (3, (179, 210), (153, 183), 0.6))
    for i, water, drain, ttd in hp:
        parts.append(equipment(f"U2-HPH-{i}", s, "heater", f"LAD{i}0", (f"{i}号高加", f"HP heater {i}"), "hph", [
            *((f"CL00{k}", f"水位{k}", f"level {k}", "mm", (0, 1000), (380 + k, 384 + k),
              {"tau": 8, "wander_tau": 90, "ramp": 25, "off": 700, "off_tau": 30}) for k in (1, 2)),
            ("CT001", "出口水温", "outlet water temperature", "℃", (0, 400), water,
             {"tau": 30, "off": water[0] - 75, "off_tau": 60}),
            ("CT002", "疏水温度", "drain temperature", "℃", (0, 400), drain, {"tau": 30}),
            ("CT003", "上端差", "terminal temperature difference", "℃", (-10, 60), (ttd, ttd + 0.6),
             {"tau": 20, "noise": 0.1, "wander": 0.15, "off": 30, "off_tau": 40}),
            ("CG001", "正常疏水阀位", "normal drain valve position", "%", (0, 100), (38, 56), {"off": 100}),
            ("CG002", "危急疏水阀位", "emergency drain valve position", "%", (0, 100), (0.5, 0.5),
             {"noise": 0.05, "wander": 0.05, "off": 85, "off_tau": 6}),
            ("CP001", "汽侧压力", "shell pressure",
             "MPa", (0, 8), (extraction[i - 1][2][0] * 0.96, extraction[i - 1][2][1] * 0.96), {"off_tau": 10}),
        ]))  # fmt: skip
    for i, water in ((5, (121, 141)), (6, (92, 106)), (7, (70, 84)), (8, (46, 59))):
        parts.append(equipment(f"U2-LPH-{i}", s, "heater", f"LCC{i}0", (f"{i}号低加", f"LP heater {i}"), "lph", [
            ("CL001", "水位", "level", "mm", (0, 1000), (360, 362),
             {"tau": 8, "wander_tau": 90, "ramp": 20, "off": 150, "off_tau": 40}),
            ("CT001", "出口水温", "outlet water temperature", "℃", (0, 250), water, {"tau": 40, "off_tau": 90}),
            ("CT002", "疏水温度", "drain temperature", "℃", (0, 250), (water[0] - 8, water[1] - 8),
             {"tau": 40, "off_tau": 90}),
            ("CG001", "疏水阀位", "drain valve position", "%", (0, 100), (41, 57)),
        ]))  # fmt: skip
    parts.append(equipment("U2-DEA", s, "deaerator", "LAA10", ("除氧器", "Deaerator"), "lph", [
        ("CP001", "压力", "pressure", "MPa", (0, 1.5), (0.4, 0.8),
         {"tau": 25, "noise": 0.001, "wander": 0.002, "off": 0.16, "off_tau": 90, "source": "kPa"}),
        ("CT001", "水温", "temperature", "℃", (0, 250), (144, 172), {"tau": 90, "off_tau": 300}),
        ("CL001", "水位", "level", "mm", (0, 3000), (2200, 2205),
         {"tau": 25, "wander": 8, "wander_tau": 200, "ramp": -60, "water": 10, "off": 2330, "off_tau": 90}),
        ("CG001", "水位调门", "level valve position", "%", (0, 100), (36, 68), {"off": 8}),
    ]))  # fmt: skip
    return parts


def _feedwater() -> list[Part]:
    s = "U2-FW"
    parts = []
    for side, n in (("A", 10), ("B", 20)):
        d, sec = (0.0 if side == "A" else 1.2), f"fwp_{side.lower()}"
        parts.append(equipment(f"U2-FWP-{side}", s, "pump", f"LAC{n}",
            (f"汽动给水泵{side}", f"Turbine-driven feed pump {side}"), sec, [
            ("CS001", "转速", "speed", "r/min", (0, 7000), (3950 + 20 * d, 5280 + 20 * d),
             {"tau": 8, "ramp": 150, "water": 10, "off_tau": 18}),
            ("CP001", "入口压力", "suction pressure", "MPa", (0, 4), (1.35, 1.85), {"off": 1.1}),
            ("CP002", "出口压力", "discharge pressure", "MPa", (0, 35), (13.9, 21.4),
             {"ramp": -0.5, "off": 1.0, "off_tau": 6}),
            ("CF001", "入口流量", "suction flow", "t/h", (0, 1400), (490, 1005),
             {"tau": 6, "ramp": 30, "water": 4, "off_tau": 4}),
            ("CT001", "驱动端轴承温度", "drive-end bearing temperature", "℃", (0, 150), (59 + d, 64 + d),
             {"tau": 40, "ambient": 0.3}),
            ("CT002", "非驱动端轴承温度", "non-drive-end bearing temperature", "℃", (0, 150), (57 + d, 61 + d),
             {"tau": 40, "ambient": 0.3}),
            ("CT003", "推力轴承温度", "thrust bearing temperature", "℃", (0, 150), (60 + d, 66 + d),
             {"tau": 45, "ambient": 0.3}),
            ("CY001", "驱动端轴承振动", "drive-end bearing vibration", "mm/s", (0, 25), (1.7, 2.2), {}),
            ("CY002", "非驱动端轴承振动", "non-drive-end bearing vibration", "mm/s", (0, 25), (1.5, 1.9), {}),
            ("CP003", "小机润滑油压", "drive turbine oil pressure", "MPa", (0, 0.6), (0.162, 0.162),
             {"section": "", "wander": 0.001}),
            ("CG001", "再循环阀位", "recirculation valve position", "%", (0, 100), (0.6, 0.6),
             {"noise": 0.05, "wander": 0.05, "off": 100, "off_tau": 5}),
            running(),
        ]))  # fmt: skip
    parts += [
        equipment("U2-FWP-C", s, "pump", "LAC30", ("电动给水泵", "Motor-driven feed pump"), "fwp_c", [
            ("CE001", "电流", "motor current", "A", (0, 900), (0, 0),
             {"noise": 0.05, "wander": 0.05, "res": 0.1, "off": 418, "off_tau": 2}),
            ("CP001", "出口压力", "discharge pressure", "MPa", (0, 35), (1.1, 1.1), {"off": 10.4, "off_tau": 5}),
            ("CF001", "入口流量", "suction flow", "t/h", (0, 800), (0, 0),
             {"noise": 0.4, "wander": 0.2, "off": 215, "off_tau": 6}),
            ("CT001", "驱动端轴承温度", "drive-end bearing temperature", "℃", (0, 150), (34, 34),
             {"off": 54, "off_tau": 90, "ambient": 0.5}),
            ("CT002", "电机绕组温度", "motor winding temperature", "℃", (0, 180), (36, 36),
             {"off": 66, "off_tau": 150, "ambient": 0.5}),
            running(on=0, off=1),
        ]),
        equipment("U2-FWH", s, "pipe", "LAB10", ("给水母管", "Feedwater header"), "feed", [
            ("CF001", "流量", "flow", "t/h", (0, 2500), (965, 1990), {"tau": 6, "ramp": 60, "off": 215, "off_tau": 6}),
            ("CP001", "压力", "pressure", "MPa", (0, 35), (13.6, 20.9), {"off": 9.8, "off_tau": 40}),
            ("CT001", "温度", "temperature", "℃", (0, 250), (145, 173), {"tau": 90, "off_tau": 300}),
        ]),
    ]  # fmt: skip
    return parts


def _condensate() -> list[Part]:
    s = "U2-CEW"
    parts = [
        equipment("U2-CE", s, "pipe", "LCA10", ("凝结水", "Condensate"), "lph", [
            ("CF001", "流量", "flow", "t/h", (0, 2200), (790, 1560),
             {"tau": 15, "ramp": 30, "water": 6, "off": 320, "off_tau": 20}),
            ("CP001", "母管压力", "header pressure", "MPa", (0, 6), (2.5, 3.3), {"off": 2.7}),
            ("CT001", "精处理出口温度", "polisher outlet temperature", "℃", (0, 100), (29, 35), {"off": 31}),
            ("CQ001", "溶解氧", "dissolved oxygen", "μg/L", (0, 200), (14, 18), {"off": 40, "off_tau": 120}),
            ("CQ002", "氢电导率", "cation conductivity", "μS/cm", (0, 5), (0.11, 0.12), {"res": 0.001}),
        ]),
    ]  # fmt: skip
    for side, n in (("A", 10), ("B", 20)):
        on = side == "A"
        parts.append(equipment(f"U2-CEP-{side}", s, "pump", f"LCB{n}", (f"凝结水泵{side}", f"Condensate pump {side}"), "", [
            ("CE001", "电流", "motor current", "A", (0, 400), (148, 224) if on else (0, 0), {} if on else {"noise": 0.02,
             "wander": 0.02, "res": 0.1}),
            ("CP001", "出口压力", "discharge pressure", "MPa", (0, 6), (2.6, 3.4) if on else (0.3, 0.3), {}),
            ("CT001", "轴承温度", "bearing temperature", "℃", (0, 120), (48, 53) if on else (27, 27), {"ambient": 0.5}),
            ("CY001", "轴承振动", "bearing vibration",
             "mm/s", (0, 25), (1.4, 1.6) if on else (0.3, 0.3), {} if on else {"noise": 0.03, "wander": 0.03}),
            running(on=int(on), off=int(on)),
        ]))  # fmt: skip
    return parts


def _condenser() -> list[Part]:
    s = "U2-VAC"
    calm = {"tau": 0, "wander": 0}
    parts = [
        equipment("U2-COND", s, "condenser", "MAG10", ("凝汽器", "Condenser"), "", [
            *((f"CP00{i}", f"背压{i}", f"back pressure {i}", "kPa", (0, 40), (4, 5.5),
              {"noise": 0.02, "res": 0.01, **calm}) for i in (1, 2, 3)),
            ("CP010", "真空", "vacuum", "kPa", (-101.3, 0), (-97.3, -95.8), {"noise": 0.02, "res": 0.01, **calm}),
            ("CT001", "排汽温度A", "exhaust temperature A", "℃", (0, 120), (29, 35), {"noise": 0.12, **calm}),
            ("CT002", "排汽温度B", "exhaust temperature B", "℃", (0, 120), (29, 35), {"noise": 0.12, **calm}),
            ("CT003", "热井水温", "hotwell temperature", "℃", (0, 100), (28, 34), {"noise": 0.1, **calm}),
            ("CT010", "端差", "terminal temperature difference", "℃", (-5, 40), (2.8, 4.2),
             {"noise": 0.1, "res": 0.01, **calm}),
            ("CL001", "热井水位", "hotwell level", "mm", (0, 1500), (760, 765),
             {"tau": 20, "wander": 8, "ramp": 40, "water": -6, "section": "steam", "off": 900, "off_tau": 60}),
        ]),
    ]  # fmt: skip
    for letter, n in (("A", 10), ("B", 20)):
        on = letter == "A"
        parts += [
            equipment(f"U2-VP-{letter}", s, "pump", f"MAJ{n}", (f"真空泵{letter}", f"Vacuum pump {letter}"), "", [
                ("CE001", "电流", "motor current", "A", (0, 300), (118, 121) if on else (0, 0), {} if on else {"noise": 0.02,
                 "wander": 0.02, "res": 0.1}),
                running(on=int(on), off=int(on)),
            ]),
            equipment(f"U2-CWL-{letter}", "U2-CW", "pipe", f"PAB{n}",
                (f"循环水{letter}侧", f"Circulating water side {letter}"), "", [
                ("CT001", "入口温度", "inlet temperature", "℃", (0, 50), (20, 20), {"noise": 0.06, "res": 0.01, **calm}),
                ("CT002", "出口温度", "outlet temperature", "℃", (0, 60), (25, 30), {"noise": 0.08, "res": 0.01, **calm}),
                ("CP001", "入口压力", "inlet pressure", "kPa", (0, 400), (182, 184),
                 {"off": 0, "off_tau": 3}),
            ]),
            equipment(f"U2-CWP-{letter}", "U2-CW", "pump", f"PAC{n}",
                (f"循环水泵{letter}", f"Circulating water pump {letter}"), "", [
                ("CE001", "电流", "motor current", "A", (0, 500), (312, 316), {}),
                ("CP001", "出口压力", "discharge pressure", "kPa", (0, 500), (226, 228), {"off_tau": 2}),
                ("CT001", "推力轴承温度", "thrust bearing temperature", "℃", (0, 120), (51, 52), {"tau": 90, "ambient": 0.5}),
                ("CY001", "振动", "vibration", "mm/s", (0, 25), (1.8, 1.9), {}),
                running(),
            ]),
        ]  # fmt: skip
    parts += [
        equipment("U2-CT", "U2-CW", "service", "PAD10", ("冷却塔", "Cooling tower"), "", [
            ("CL001", "水池水位", "basin level", "mm", (0, 3000), (1820, 1815), {"tau": 60}),
            ("CT001", "环境温度", "ambient temperature", "℃", (-40, 60), (19, 19), {"wander": 0.1, "ambient": 1.5}),
        ]),
        equipment("U2-CCW", "U2-CW", "service", "PGB10", ("闭式水", "Closed cooling water"), "", [
            ("CP001", "母管压力", "header pressure", "MPa", (0, 1.5), (0.52, 0.52), {"noise": 0.002, "wander": 0.003}),
            ("CT001", "母管温度", "header temperature", "℃", (0, 60), (31, 33), {"tau": 120, "ambient": 0.6}),
        ]),
        equipment("U2-IA", "U2-CW", "service", "QEA10", ("仪用压缩空气", "Instrument air"), "", [
            ("CP001", "压力", "pressure", "MPa", (0, 1.2), (0.68, 0.68),
             {"noise": 0.002, "wander": 0.006, "wander_tau": 60, "source": "bar"}),
        ]),
    ]  # fmt: skip
    return parts


SYSTEMS = (
    Part("U2-TG", "U2", "system", "", "汽轮机本体", "Turbine"),
    Part("U2-OILS", "U2", "system", "", "油系统", "Oil"),
    Part("U2-REGEN", "U2", "system", "", "回热系统", "Feedwater heating"),
    Part("U2-FW", "U2", "system", "", "给水系统", "Feedwater"),
    Part("U2-CEW", "U2", "system", "", "凝结水系统", "Condensate"),
    Part("U2-VAC", "U2", "system", "", "凝汽与抽真空系统", "Condenser and vacuum"),
    Part("U2-CW", "U2", "system", "", "循环水与公用系统", "Circulating water and services"),
)
PARTS: tuple[Part, ...] = (*_rotor(), *_oil(), *_heaters(), *_feedwater(), *_condensate(), *_condenser())
