// The peer Node-RED of engine_peers.py: node peers_node_red.js <folder of data> <folder of node_modules> <ticks>
//
// One chain for all models, told apart by topic: source -> smooth (mean of 60) -> function (limit, on-delay, 2 of 3, latch).
// The source sends the samples of a tick when the tick before has gone through. Prints one line of JSON.
"use strict";
const fs = require("fs");
const path = require("path");
const [folder, modules, ticks] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const RED = require(path.join(modules, "node-red"));
const about = JSON.parse(fs.readFileSync(path.join(folder, "about.json")));
const raw = fs.readFileSync(path.join(folder, "samples.f64"));
const samples = new Float64Array(raw.buffer, raw.byteOffset, raw.length / 8);
const tags = about.models * 3;

const shared = { tags, ticks, samples, limit: about.limit, wait: about.delay + 1, alarms: 0, done: 0, tick: 0 };
shared.held = new Uint8Array(about.models);
shared.above = new Int32Array(tags);
shared.start = () => {
  shared.cpu = process.cpuUsage();
  shared.begun = performance.now();
};
shared.finish = () => {
  const used = process.cpuUsage(shared.cpu);
  const wall = (performance.now() - shared.begun) / 1000;
  const version = JSON.parse(fs.readFileSync(path.join(modules, "node-red", "package.json"))).version;
  const said = { cpu_s: (used.user + used.system) / 1e6, wall_s: wall, ticks, alarm_sum: shared.alarms, version };
  fs.writeSync(1, JSON.stringify(said) + "\n");
  process.exit(0);
};
const source = `
const s = global.get("shared");
if (s.tick === s.ticks) { s.finish(); return; }
if (s.tick === 0) s.start();
const at = s.tick++ * s.tags;
for (let i = 0; i < s.tags; i++) node.send({ topic: i, payload: s.samples[at + i] });
`;
const judge = `
const s = global.get("shared");
const i = msg.topic;
s.above[i] = msg.payload > s.limit ? s.above[i] + 1 : 0;
if (i % 3 === 2) {
  const votes = (s.above[i - 2] >= s.wait) + (s.above[i - 1] >= s.wait) + (s.above[i] >= s.wait);
  const model = (i - 2) / 3;
  if (votes >= 2) s.held[model] = 1;
  else if (votes === 0) s.held[model] = 0;
  s.alarms += s.held[model];
}
if (i === s.tags - 1) return { payload: "next" };
`;
const flow = [
  { id: "tab", type: "tab", label: "models" },
  { id: "go", z: "tab", type: "inject", props: [{ p: "payload" }], payload: "next", payloadType: "str", repeat: "",
    crontab: "", once: true, onceDelay: 1, wires: [["source"]], x: 0, y: 0 },
  { id: "source", z: "tab", type: "function", func: source, outputs: 1, wires: [["mean"]], x: 0, y: 0 },
  { id: "mean", z: "tab", type: "smooth", property: "payload", action: "mean", count: String(about.window), round: "",
    mult: "multi", reduce: false, wires: [["judge"]], x: 0, y: 0 },
  { id: "judge", z: "tab", type: "function", func: judge, outputs: 1, wires: [["source"]], x: 0, y: 0 },
];

const user = fs.mkdtempSync(path.join(require("os").tmpdir(), "headworks-node-red-"));
process.on("exit", () => fs.rmSync(user, { recursive: true, force: true }));
fs.writeFileSync(path.join(user, "flows.json"), JSON.stringify(flow));
RED.init(undefined, {
  userDir: user,
  flowFile: "flows.json",
  credentialSecret: false,
  nodesDir: path.join(modules, "node-red-node-smooth"),
  httpAdminRoot: false,
  httpNodeRoot: false,
  disableEditor: true,
  functionGlobalContext: { shared },
  logging: { console: { level: "off", metrics: false, audit: false } },
  telemetry: { enabled: false },
});
setTimeout(() => process.exit(1), 300_000);
RED.start().catch((e) => {
  console.error(e);
  process.exit(1);
});
