"""Unit 2, generator, transformers, auxiliary power, and the protection of the unit."""

from __future__ import annotations

from headworks.simulate.unit2_parts import Part, equipment, running, status

POWER, REACTIVE, VOLTAGE = "2MKA10CE001", "2MKA10CE002", "2MKA10CE003"
CURRENTS = ("2MKA10CE004", "2MKA10CE005", "2MKA10CE006")
POWER_FACTOR, BREAKER = "2MKA10CE007", "2BAC10GS001XB01"


def _generator() -> list[Part]:
    s = "U2-GS"
    return [
        equipment("U2-GEN", s, "generator", "MKA10", ("发电机", "Generator"), "gen", [
            ("CE001", "有功功率", "active power", "MW", (-20, 800), (330, 660),
             {"tau": 0, "noise": 0.25, "res": 0.01, "wander": 0, "off_tau": 0, "source": "kW"}),
            ("CE002", "无功功率", "reactive power", "Mvar", (-200, 450), (68, 130),
             {"tau": 6, "noise": 0.4, "res": 0.01, "wander": 1.5, "grid": 6, "off_tau": 0, "off": 0, "source": "kvar"}),
            ("CE003", "定子电压", "stator voltage", "kV", (0, 26), (20.0, 20.1),
             {"tau": 4, "noise": 0.01, "res": 0.01, "wander": 0.01, "grid": 0.06, "section": "exc", "off_tau": 2}),
            *((f"CE00{i + 3}", f"{p}相电流", f"phase {p} current", "kA", (0, 25), (9.8, 19.4),
              {"tau": 0, "noise": 0.01, "res": 0.01, "wander": 0, "off_tau": 0}) for i, p in enumerate("ABC", 1)),
            ("CE007", "功率因数", "power factor", "1", (-1, 1), (0.98, 0.98),
             {"tau": 0, "noise": 0.0005, "res": 0.001, "wander": 0, "off": 0}),
            ("CE008", "频率", "frequency", "Hz", (0, 60), (50, 50),
             {"tau": 2, "noise": 0.003, "res": 0.001, "wander": 0.01, "wander_tau": 60, "section": "turbine", "off": 1,
                 "off_tau": 110}),
            *((f"CT00{i}", f"定子绕组温度{i}", f"stator winding temperature {i}", "℃", (0, 180), (58 + 0.4 * i, 76 + 0.6 * i),
              {"tau": 150}) for i in range(1, 7)),
        ]),
        equipment("U2-EXC", s, "generator", "MKC10", ("励磁系统", "Excitation"), "exc", [
            ("CE001", "励磁电流", "field current", "A", (0, 6000), (2480, 4210),
             {"tau": 6, "noise": 4, "res": 1, "wander": 10, "grid": 40, "off_tau": 1}),
            ("CE002", "励磁电压", "field voltage", "V", (0, 600), (235, 402),
             {"tau": 6, "noise": 1, "res": 0.1, "wander": 2, "grid": 5, "off_tau": 1}),
            status("GS001XB01", "灭磁开关合闸", "field breaker closed"),
        ]),
        equipment("U2-H2", s, "generator", "MKG10", ("氢气系统", "Hydrogen"), "gen", [
            ("CP001", "压力", "pressure", "MPa", (0, 0.6), (0.402, 0.405),
             {"noise": 0.0006, "wander": 0.001, "off": 0.395, "off_tau": 300}),
            ("CQ001", "纯度", "purity", "%", (90, 100), (98.2, 98.2), {"noise": 0.02, "wander": 0.05}),
            ("CT001", "冷氢温度", "cold gas temperature", "℃", (0, 100), (40, 42), {"tau": 90}),
            ("CT002", "热氢温度", "warm gas temperature", "℃", (0, 120), (52, 63), {"tau": 90}),
        ]),
        equipment("U2-SW", s, "generator", "MKF10", ("定冷水", "Stator water"), "", [
            ("CF001", "流量", "flow", "t/h", (0, 150), (96, 96), {"wander": 0.3}),
            ("CT001", "入口温度", "inlet temperature", "℃", (0, 100), (43, 45), {"tau": 90}),
            ("CT002", "出口温度", "outlet temperature", "℃", (0, 120), (52, 64), {"section": "gen", "off": 45}),
            ("CQ001", "电导率", "conductivity", "μS/cm", (0, 10), (0.55, 0.56), {"res": 0.001}),
        ]),
        equipment("U2-SO", s, "generator", "MKW10", ("密封油", "Seal oil"), "", [
            ("CP001", "油氢差压", "oil to hydrogen differential pressure", "kPa", (0, 200), (84, 84), {"wander": 0.5}),
            running("油泵运行", "pump running", off=1),
        ]),
    ]  # fmt: skip


def _transformers() -> list[Part]:
    s = "U2-TX"
    parts = [
        equipment("U2-GCB", s, "breaker", "BAC10", ("发电机出口断路器", "Generator breaker"), "gen", [
            status("GS001XB01", "合闸", "closed"),
            status("GS001XB02", "分闸", "open", on=0, off=1),
        ]),
        equipment("U2-MT", s, "transformer", "BAT10", ("主变压器", "Main transformer"), "gen", [
            ("CT001", "上层油温", "top oil temperature", "℃", (0, 120), (46, 58),
             {"tau": 300, "off_tau": 900, "ambient": 1.0}),
            ("CT002", "绕组温度", "winding temperature", "℃", (0, 150), (52, 71),
             {"tau": 240, "off_tau": 600, "ambient": 1.0}),
            ("CE001", "高压侧电压", "HV voltage", "kV", (0, 600), (528, 527),
             {"tau": 4, "noise": 0.2, "res": 0.1, "wander": 0.4, "grid": 1.6, "section": ""}),
            ("CE002", "高压侧电流", "HV current", "A", (0, 1400), (343, 686), {"tau": 3, "wander": 0.8, "off_tau": 0.5}),
        ]),
        equipment("U2-ST", s, "transformer", "BCT10", ("启备变", "Start-up transformer"), "aux", [
            ("CE001", "电流", "current", "A", (0, 2500), (4, 4), {"noise": 0.4, "wander": 0.4, "off": 760, "off_tau": 2}),
            ("CT001", "油温", "oil temperature", "℃", (0, 120), (36, 36), {"off": 44, "off_tau": 900, "ambient": 1.0}),
        ]),
        equipment("U2-DC", s, "service", "BTA10", ("直流系统", "DC system"), "", [
            ("CE001", "母线电压", "bus voltage", "V", (0, 300), (231, 231), {"noise": 0.1, "res": 0.1, "wander": 0.2}),
        ]),
        equipment("U2-EDG", s, "service", "XKA10", ("柴油发电机", "Emergency diesel"), "", [
            ("CE001", "电压", "voltage", "V", (0, 500), (0, 0), {"noise": 0.1, "res": 0.1, "wander": 0.05}),
            running(on=0, off=0),
        ]),
    ]  # fmt: skip
    for side, n in (("A", 10), ("B", 20)):
        parts += [
            equipment(f"U2-UAT-{side}", s, "transformer", f"BBT{n}",
                (f"高厂变{side}", f"Unit auxiliary transformer {side}"), "aux", [
                ("CT001", "油温", "oil temperature", "℃", (0, 120), (42, 51), {"tau": 300, "off_tau": 900, "ambient": 1.0}),
                ("CE001", "电流", "current", "A", (0, 2500), (940, 1540), {"wander": 5, "res": 1, "off_tau": 0.5}),
            ]),
            equipment(f"U2-BUS-{side}", s, "breaker", f"BBA{n}", (f"6kV {side}段", f"6 kV bus {side}"), "aux", [
                ("CE001", "母线电压", "voltage", "kV", (0, 8), (6.22, 6.15),
                 {"tau": 4, "noise": 0.006, "res": 0.01, "wander": 0.01, "grid": 0.02, "off": 6.05, "off_tau": 2}),
                status("GS001XB01", "工作电源合闸", "normal supply closed"),
                status("GS002XB01", "备用电源合闸", "standby supply closed", on=0, off=1),
            ]),
        ]  # fmt: skip
    return parts


def _protection() -> list[Part]:
    s = "U2-PROT"
    return [
        equipment("U2-FSSS", s, "protection", "CJF10", ("锅炉保护FSSS", "Boiler protection FSSS"), "fuel", [
            status("EZ001XB01", "MFT动作", "master fuel trip", on=0, off=1),
            status("EZ002XB01", "全炉膛有火", "furnace flame on"),
        ]),
        equipment("U2-GPR", s, "protection", "CHA10", ("发变组保护", "Generator protection"), "gen", [
            status("EZ001XB01", "程跳逆功率动作", "reverse power trip", on=0, off=1),
        ]),
    ]  # fmt: skip


SYSTEMS = (
    Part("U2-GS", "U2", "system", "", "发电机系统", "Generator"),
    Part("U2-TX", "U2", "system", "", "变压器与厂用电", "Transformers and auxiliary power"),
    Part("U2-PROT", "U2", "system", "", "机组保护", "Unit protection"),
)
PARTS: tuple[Part, ...] = (*_generator(), *_transformers(), *_protection())
