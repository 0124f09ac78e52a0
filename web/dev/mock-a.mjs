/**
 * Made-up bodies of the API behind trends, models, backtests, jobs and search, for mock.mjs. Never shipped.
 */
const title = (zh, en) => ({ zh, en });
const now = () => Date.now();
const BAD = 0x808a0000;

const PINYIN = { 出口压力: 'ckyl chukouyali', 出口流量: 'ckll chukouliuliang', 轴承温度: 'zcwd zhouchengwendu', 振动: 'zd zhendong', 离心泵: 'lxb lixinbeng' };
const searchable = (o) => [o.code, o.title.zh, o.title.en, ...Object.entries(PINYIN).filter(([zh]) => o.title.zh.includes(zh)).map(([, p]) => p)].join(' ').toLowerCase();
const found = (o, q) => q.toLowerCase().split(/\s+/).filter(Boolean).every((word) => searchable(o).includes(word));
const refOf = (a) => ({ id: a.id, code: a.code, title: a.title });

const models = (world) => world.assets.filter((a) => a.type === 'pump').map((a, i) => ({
  id: i + 1, code: `${a.code}-VIB`, template: i % 3 ? 'pump_vibration' : 'pump_condition', title: i % 3 ? title('泵振动监测', 'Pump vibration') : title('泵综合状态监测', 'Pump condition'),
  asset: a.id, conditions: ['vib_high', 'vib_very_high', 'sensor_bad'], active: world.alarms.filter((x) => x.state.endsWith('_active') && x.asset.id === a.id).length,
}));

const guidance = {
  mode: title('轴承振动大', 'Excessive bearing vibration'), symptoms: [title('驱动端振动速度有效值高于报警值', 'Drive-end vibration velocity above the alarm value')],
  causes: [title('联轴器对中不良', 'Coupling out of alignment'), title('轴承磨损', 'Bearing wear')],
  actions: [title('核对就地振动表。', 'Check the local vibration gauge.'), title('检查地脚螺栓与联轴器对中。', 'Check anchor bolts and coupling alignment.')],
};
const block = (id, op, zh, en, inputs, params, unit) => ({ id, op, title: title(zh, en), inputs, params, unit });

function detail(world, row) {
  const own = world.tags.filter((t) => t.asset === row.asset);
  const by = (part) => own.find((t) => t.code.endsWith(part));
  const tag = (t) => ({ id: t.id, code: t.code, title: t.title, unit: t.unit });
  return {
    ...row, version: 2, partition: 'u1', tick_ms: 1000, asset: refOf(world.assets[row.asset - 1]),
    ports: [
      { name: 'vibration', title: title('驱动端振动', 'Drive-end vibration'), unit: 'mm/s', tag: tag(by('.VT1')) },
      { name: 'vibration_nde', title: title('非驱动端振动', 'Non-drive-end vibration'), unit: 'mm/s', tag: tag(by('.VT2')) },
      { name: 'temperature', title: title('轴承温度', 'Bearing temperature'), unit: '℃', tag: tag(by('.TE1')) },
      { name: 'flow', title: title('出口流量', 'Discharge flow'), unit: 'm3/h', tag: tag(by('.FT')) },
    ],
    params: [
      { name: 'high', title: title('报警值', 'Alarm value'), unit: 'mm/s', value: 5.6, default: 7.1, low: 0, high: 20 },
      { name: 'very_high', title: title('高高报警值', 'Very high alarm value'), unit: 'mm/s', value: 11.2, default: 11.2, low: 0, high: 40 },
      { name: 'window', title: title('平均窗口', 'Averaging window'), unit: 's', value: 60, default: 60, low: 1, high: 3600 },
      { name: 'min_flow', title: title('最小运行流量', 'Least running flow'), unit: 'm3/h', value: 100, default: 100, low: 0, high: null },
    ],
    blocks: [
      block('clean', 'quality_check', '质量检查', 'Quality check', { x: 'in.vibration' }, { low: 0, high: 50, frozen_band: 0.001, frozen_s: 300 }, 'mm/s'),
      block('clean_nde', 'quality_check', '质量检查', 'Quality check', { x: 'in.vibration_nde' }, { low: 0, high: 50 }, 'mm/s'),
      block('mean', 'rolling_mean', '滑动平均', 'Rolling mean', { x: 'clean' }, { window: '$window' }, 'mm/s'),
      block('running', 'above', '高于限值', 'Above', { x: 'in.flow' }, { limit: '$min_flow', hysteresis: 10 }, null),
      block('above', 'above', '高于限值', 'Above', { x: 'mean' }, { limit: '$high', hysteresis: 0.3 }, null),
      block('hot', 'above', '高于限值', 'Above', { x: 'in.temperature' }, { limit: 85, hysteresis: 2 }, null),
      block('residual', 'regression_residual', '回归残差', 'Regression residual', { y: 'clean', x1: 'in.flow', x2: 'in.temperature', x3: 'clean_nde' }, { b0: 1.2, b1: 0.002, b2: 0.03, b3: 0.4, sigma: 0.5 }, '1'),
      block('while_running', 'and', '与', 'And', { in1: 'above', in2: 'running', in3: 'true' }, {}, null),
      block('high_delayed', 'delay', '延时', 'Delay', { x: 'while_running' }, { on_s: 10, off_s: 30 }, null),
      block('both', 'and', '与', 'And', { in1: 'high_delayed', in2: 'hot' }, {}, null),
      block('bad', 'quality_bad', '质量差', 'Quality bad', { x: 'in.vibration' }, { low: 0, high: 50 }, null),
    ],
    conditions: [
      { name: 'vib_high', title: title('驱动端振动高', 'Drive-end vibration high'), priority: 2, source: 'high_delayed', value: 'mean', guidance },
      { name: 'vib_very_high', title: title('振动高且轴承温度高', 'Vibration high and bearing hot'), priority: 1, source: 'both', value: 'in.temperature', guidance },
      { name: 'sensor_bad', title: title('振动测点不可信', 'Vibration sensor not trusted'), priority: 4, source: 'bad', value: null, guidance: null },
    ],
    outputs: [{ name: 'mean', title: title('振动均值', 'Mean vibration'), source: 'mean', unit: 'mm/s', tag: tag(by('.VT.MEAN')) }],
  };
}

function live(world, model) {
  const at = now();
  const signals = {};
  for (const p of model.ports) {
    const [, , value, status] = world.sample(world.tags[p.tag.id - 1], at);
    signals[`in.${p.name}`] = { value, status };
  }
  const v = (name) => signals[name].value;
  const put = (name, value, status = 0) => { signals[name] = { value, status: value === null ? BAD : status }; };
  put('clean', v('in.vibration')); put('clean_nde', v('in.vibration_nde')); put('mean', v('clean'), 0x40950000);
  put('running', v('in.flow') === null ? null : Number(v('in.flow') > 100));
  put('above', v('mean') === null ? null : Number(v('mean') > 5.6));
  put('hot', v('in.temperature') === null ? null : Number(v('in.temperature') > 62));
  put('residual', v('clean') === null ? null : Math.sin(at / 7000) * 2);
  const and = (...x) => (x.some((i) => i === 0) ? 0 : x.some((i) => i === null) ? null : 1);
  put('while_running', and(v('above'), v('running'))); put('high_delayed', v('while_running')); put('both', and(v('high_delayed'), v('hot')));
  put('bad', Number(v('in.vibration') === null));
  const bool = (name) => (v(name) === null ? null : Boolean(v(name)));
  return { tick_ms: at - 1500, signals, conditions: { vib_high: bool('high_delayed'), vib_very_high: bool('both'), sensor_bad: bool('bad') } };
}

/* ---- jobs ---- */
const jobs = [];
function resultOf(world, job) {
  const rows = models(world).filter((m) => job.params.models.includes(m.id));
  const { from_ms: from, to_ms: to } = job.params;
  const alarms = [];
  const onlyLive = [];
  for (const m of rows) {
    for (let n = 0; n < 9; n += 1) {
      const raised = Math.round(from + ((to - from) * (n + 0.4)) / 9.5);
      const alarm = { model: m.id, code: m.code, condition: n % 3 ? 'vib_high' : 'vib_very_high', title: n % 3 ? title('驱动端振动高', 'Drive-end vibration high') : title('振动高且轴承温度高', 'Vibration high and bearing hot'), priority: n % 3 ? 2 : 1, raised_ms: raised, cleared_ms: n === 8 ? null : Math.round(raised + (to - from) * 0.03), value: 5.7 + n / 10 };
      if (n === 5) onlyLive.push({ ...alarm, value: null });
      else alarms.push(alarm);
    }
  }
  const only = alarms.filter((_, i) => i % 4 === 1);
  return {
    models: rows.map((m) => ({ id: m.id, code: m.code })), from_ms: from, to_ms: to, ticks: Math.round((to - from) / 1000), lead_ticks: 3600, evaluations: Math.round((to - from) / 1000) * rows.length * 11,
    elapsed_s: 3.42, alarms, alarms_total: alarms.length, compare: { same: alarms.length - only.length, only_backtest: only, only_live: onlyLive },
  };
}
function shown(world, job) {
  const age = (now() - job.asked_ms) / 1000;
  if (job.state === 'queued' && age > 1.5) Object.assign(job, { state: 'running', started_ms: job.asked_ms + 1500 });
  if (job.state === 'running') {
    job.progress = Math.min(0.99, (age - 1.5) / job.seconds);
    job.eta_s = Math.max(0, job.seconds - (age - 1.5));
    if (age - 1.5 >= job.seconds) Object.assign(job, { state: 'done', progress: 1, eta_s: null, ended_ms: now(), result: resultOf(world, job) });
  }
  const { seconds, ...body } = job;
  return body;
}
const submit = (params, seconds, asked = now()) => {
  const job = { id: `0190b000-0000-7000-8000-${String(jobs.length + 1).padStart(12, '0')}`, kind: 'backtest', state: 'queued', progress: 0, eta_s: null, asked_by: '李明', asked_ms: asked, started_ms: null, ended_ms: null, params, result: null, error: null, seconds };
  jobs.unshift(job);
  return job;
};
submit({ models: [2], from_ms: now() - 86_400_000, to_ms: now() - 3_600_000 }, 5, now() - 600_000);
Object.assign(submit({ models: [1, 3], from_ms: now() - 8 * 86_400_000, to_ms: now() }, 5, now() - 500_000), { state: 'failed', progress: 0.31, started_ms: now() - 498_000, ended_ms: now() - 490_000, error: { code: 'history.not_ready', text: '历史存储没有应答，请在系统页查看“历史存储”角色。' } });
Object.assign(submit({ models: [1] , from_ms: now() - 8 * 86_400_000, to_ms: now() }, 5, now() - 400_000), { state: 'cancelled', progress: 0.6, started_ms: now() - 398_000, ended_ms: now() - 390_000 });

/** The answer to a request of these pages, or undefined where it is somebody else's. */
export function answerA(world, method, path, url, body) {
  const q = url.searchParams.get('q') ?? '';
  const limit = Number(url.searchParams.get('limit')) || 100;
  if (path === 'tags' && q) {
    const items = world.tags.filter((t) => found(t, q));
    return { total: items.length, items: items.slice(0, limit) };
  }
  if (path === 'search') {
    const items = [
      ...world.tags.filter((t) => found(t, q)).map((t) => ({ kind: 'tag', id: t.id, code: t.code, title: t.title, asset: refOf(world.assets[t.asset - 1]) })).slice(0, 12),
      ...world.assets.filter((a) => found(a, q)).map((a) => ({ kind: 'asset', ...refOf(a), asset: refOf(a) })).slice(0, 8),
      ...models(world).filter((m) => found(m, q)).map((m) => ({ kind: 'model', id: m.id, code: m.code, title: m.title, asset: refOf(world.assets[m.asset - 1]) })).slice(0, 8),
    ];
    return { items: items.slice(0, limit) };
  }
  if (path === 'models') {
    const asset = Number(url.searchParams.get('asset'));
    const inside = asset ? world.below(asset) : null;
    return { items: models(world).filter((m) => !inside || inside.has(m.asset)) };
  }
  if (path === 'templates') return { items: [{ code: 'pump_vibration', title: title('泵振动监测', 'Pump vibration') }, { code: 'pump_condition', title: title('泵综合状态监测', 'Pump condition') }] };
  const one = /^models\/(\d+)(\/live)?$/.exec(path);
  if (one) {
    const row = models(world).find((m) => m.id === Number(one[1]));
    if (!row) return world.problem(404, 'model.not_found', '没有这个模型', 'There is no such model');
    const model = detail(world, row);
    return one[2] ? live(world, model) : model;
  }
  if (path === 'backtests') return shown(world, submit(body, 12));
  if (path === 'jobs') return { items: jobs.map((j) => shown(world, j)).slice(0, limit) };
  const job = /^jobs\/([\w-]+)(\/cancel)?$/.exec(path);
  if (job) {
    const it = jobs.find((j) => j.id === job[1]);
    if (!it) return world.problem(404, 'job.not_found', '没有这个任务', 'There is no such job');
    if (job[2] && ['queued', 'running'].includes(it.state)) Object.assign(it, { state: 'cancelled', ended_ms: now(), eta_s: null });
    return shown(world, it);
  }
  return undefined;
}
