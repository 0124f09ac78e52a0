"""Tags of the generator, its auxiliaries and the transformers."""

from __future__ import annotations

from headworks.simulate.tags import Tag, tag

POWER, REACTIVE, VOLTAGE = "1MKA10CE001", "1MKA10CE002", "1MKA10CE003"
CURRENTS = ("1MKA10CE004", "1MKA10CE005", "1MKA10CE006")
POWER_FACTOR = "1MKA10CE007"


def _generator() -> list[Tag]:
    g = "U1-GEN"
    tags = [
        tag(POWER, g, "发电机有功功率", "Generator active power", "MW", (0, 720), (300, 600),
            tau=0, noise=0.25, res=0.01, wander=0),
        tag(REACTIVE, g, "发电机无功功率", "Generator reactive power", "Mvar", (-200, 400), (62, 118),
            tau=6, noise=0.4, res=0.01, wander=1.5, grid=6),
        tag(VOLTAGE, g, "发电机定子电压", "Generator stator voltage", "kV", (0, 26), (20.0, 20.1),
            tau=4, noise=0.01, res=0.01, wander=0.01, grid=0.06),
        tag(POWER_FACTOR, g, "功率因数", "Power factor", "1", (-1, 1), (0.98, 0.98), tau=0, noise=0.0005, res=0.001, wander=0),
        tag("1MKA10CE008", g, "发电机频率", "Generator frequency", "Hz", (0, 60), (50, 50),
            tau=2, noise=0.003, res=0.001, wander=0.01, wander_tau=60),
        tag("1MKC10CE001", "U1-EXC", "励磁电流", "Field current", "A", (0, 6000), (2350, 3980),
            tau=6, noise=4, res=1, wander=10, grid=40),
        tag("1MKC10CE002", "U1-EXC", "励磁电压", "Field voltage", "V", (0, 600), (225, 385),
            tau=6, noise=1, res=0.1, wander=2, grid=5),
        tag("1MKG10CP001", g, "氢气压力", "Hydrogen pressure", "MPa", (0, 0.6), (0.402, 0.405),
            tau=60, noise=0.0006, res=0.001, wander=0.001),
        tag("1MKG10CQ001", g, "氢气纯度", "Hydrogen purity", "%", (90, 100), (98.2, 98.2),
            tau=120, noise=0.02, res=0.01, wander=0.05),
        tag("1MKG10CT001", g, "冷氢温度", "Cold hydrogen temperature", "℃", (0, 100), (40, 42),
            tau=90, noise=0.1, res=0.1, wander=0.4),
        tag("1MKG10CT002", g, "热氢温度", "Warm hydrogen temperature", "℃", (0, 120), (52, 63),
            tau=90, noise=0.1, res=0.1, wander=0.4),
        tag("1MKF10CF001", g, "定冷水流量", "Stator water flow", "t/h", (0, 150), (96, 96),
            tau=6, noise=0.2, res=0.1, wander=0.3),
        tag("1MKF10CT001", g, "定冷水入口温度", "Stator water inlet temperature", "℃", (0, 100), (43, 45),
            tau=90, noise=0.1, res=0.1, wander=0.3),
        tag("1MKF10CT002", g, "定冷水出口温度", "Stator water outlet temperature", "℃", (0, 120), (52, 64),
            tau=60, noise=0.1, res=0.1, wander=0.3),
        tag("1MKF10CQ001", g, "定冷水电导率", "Stator water conductivity", "μS/cm", (0, 10), (0.55, 0.56),
            tau=120, noise=0.006, res=0.001, wander=0.01),
        tag("1MKW10CP001", g, "密封油氢差压", "Seal oil to hydrogen differential pressure", "kPa", (0, 200), (84, 84),
            tau=6, noise=0.3, res=0.1, wander=0.5),
    ]  # fmt: skip
    tags += [
        tag(code, g, f"发电机{phase}相电流", f"Generator phase {phase} current", "kA", (0, 25), (8.9, 17.6),
            tau=0, noise=0.01, res=0.01, wander=0)
        for phase, code in zip("ABC", CURRENTS, strict=True)
    ]  # fmt: skip
    tags += [
        tag(f"1MKA10CT00{i}", g, f"定子绕组温度{i}", f"Stator winding temperature {i}", "℃", (0, 180),
            (58 + 0.6 * i, 76 + 0.8 * i), tau=150, noise=0.12, res=0.1, wander=0.4)
        for i in range(1, 7)
    ]  # fmt: skip
    return tags


def _transformers() -> list[Tag]:
    tags = [
        tag("1BAT10CT001", "U1-MT", "主变上层油温", "Main transformer top oil temperature", "℃", (0, 120), (46, 58),
            tau=300, noise=0.1, res=0.1, wander=0.3, ambient=1.0),
        tag("1BAT10CT002", "U1-MT", "主变绕组温度", "Main transformer winding temperature", "℃", (0, 150), (52, 71),
            tau=240, noise=0.1, res=0.1, wander=0.3, ambient=1.0),
        tag("1BAT10CE001", "U1-MT", "主变高压侧电压", "Main transformer HV voltage", "kV", (0, 600), (528, 527),
            tau=4, noise=0.2, res=0.1, wander=0.4, grid=1.6),
        tag("1BAT10CE002", "U1-MT", "主变高压侧电流", "Main transformer HV current", "A", (0, 1200), (312, 624),
            tau=3, noise=0.8, res=0.1, wander=0.8),
    ]  # fmt: skip
    for side, n in (("A", 10), ("B", 20)):
        a = f"U1-UAT-{side}"
        tags += [
            tag(f"1BBT{n}CT001", a, f"高厂变{side}油温", f"Unit auxiliary transformer {side} oil temperature", "℃",
                (0, 120), (42, 51), tau=300, noise=0.1, res=0.1, wander=0.3, ambient=1.0),
            tag(f"1BBT{n}CE001", a, f"高厂变{side}电流", f"Unit auxiliary transformer {side} current", "A", (0, 2500),
                (880, 1430), tau=8, noise=2, res=1, wander=5),
            tag(f"1BBA{n}CE001", a, f"6kV {side}段母线电压", f"6 kV bus {side} voltage", "kV", (0, 8), (6.22, 6.15),
                tau=4, noise=0.006, res=0.01, wander=0.01, grid=0.02),
        ]  # fmt: skip
    return tags


TAGS: tuple[Tag, ...] = (*_generator(), *_transformers())
