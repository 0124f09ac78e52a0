/**
 * Made-up bodies of the API behind the story of alarms, work orders, equipment, sources and imports, for mock.mjs.
 * Never shipped.
 */
const title = (zh, en) => ({ zh, en });
const now = () => Date.now();
const MINUTE = 60_000;

/* ---- a trip: the newest active alarm came first, the later ones of its unit follow from it ---- */
const isSuppressed = (a) => Boolean(a.suppressed_by) && !a.released_ms;
let told = false;
function tell(world) {
  if (told) return;
  told = true;
  for (const a of world.alarms) Object.assign(a, { first_out: false, group_active: false, group: '', suppressed_by: null, suppressing: 0, suppressed_ms: null, released_ms: null, order: null });
  const [first, ...others] = world.alarms.filter((a) => a.state.endsWith('_active')).reverse();
  Object.assign(first, { first_out: true, group_active: others.length > 0, group: 'u1-trip', suppressing: others.length, state: 'unacked_active' });
  for (const a of others) Object.assign(a, { group: 'u1-trip', suppressed_by: { id: first.id, title: first.title, instance: first.instance }, suppressed_ms: a.raised_ms, state: 'unacked_active' });
}

function alarmList(world, url) {
  const get = (name) => url.searchParams.get(name);
  const state = get('state') ?? 'all';
  const priority = url.searchParams.getAll('priority').map(Number);
  const inside = get('asset') && world.below(Number(get('asset')));
  const cause = get('cause');
  const wanted = get('suppressed') ?? (cause ? 'show' : 'hide');
  const items = world.alarms.filter((a) => (state === 'all' || (state === 'open' && a.state !== 'cleared') || (state === 'active' && a.state.endsWith('_active')) || (state === 'unacked' && a.state.startsWith('unacked')))
    && (!priority.length || priority.includes(a.priority)) && (!inside || inside.has(a.asset.id)) && (!cause || a.suppressed_by?.id === cause)
    && (wanted === 'show' || isSuppressed(a) === (wanted === 'only')));
  return { items, next: null };
}

/* ---- work orders ---- */
const PEOPLE = [{ name: 'liming', display: '李明' }, { name: 'wang', display: '王建国' }];
const orders = [];
const NEXT = { start: 'in_progress', finish: 'finished', close: 'closed', reopen: 'in_progress', cancel: 'cancelled' };
const STAMP = { start: 'started_ms', finish: 'finished_ms', close: 'closed_ms' };
function order(world, wanted, by) {
  const alarm = world.alarms.find((a) => a.id === wanted.alarm);
  const asset = world.assets.find((a) => a.id === (wanted.asset ?? alarm?.asset.id));
  const made = {
    id: `0190b000-0000-7000-8000-${String(orders.length + 1).padStart(12, '0')}`, number: `WO-2026-${String(orders.length + 1).padStart(6, '0')}`, state: 'open',
    title: wanted.title, description: wanted.description, priority: wanted.priority, asset: { id: asset.id, code: asset.code, title: asset.title },
    alarm: alarm ? { id: alarm.id, title: alarm.title, state: alarm.state, raised_ms: alarm.raised_ms } : null, evidence: alarm ? { tags: alarm.tags, at_ms: alarm.raised_ms } : null,
    assignee: wanted.assignee ?? null, created_by: by, created_ms: now(), due_ms: wanted.due_ms ?? now() + 3 * 86_400_000, started_ms: null, finished_ms: null, closed_ms: null, result: null,
    steps: [{ at_ms: now(), by, name: 'create', comment: '', detail: {} }],
  };
  orders.unshift(made);
  if (alarm) alarm.order = { id: made.id, number: made.number, state: made.state };
  return made;
}
function step(found, name, body, by) {
  if (NEXT[name]) found.state = NEXT[name];
  if (STAMP[name]) found[STAMP[name]] = now();
  if (name === 'start') found.assignee ??= by;
  if (name === 'finish') found.result = body.result;
  if (name === 'reopen') found.result = null;
  if (name === 'assign') found.assignee = body.assignee;
  found.steps.push({ at_ms: now(), by, name, comment: body.comment ?? '', detail: name === 'finish' ? body.result : name === 'assign' ? { assignee: body.assignee } : {} });
  return found;
}
function orderPage(world, url) {
  const get = (name) => url.searchParams.get(name);
  const inside = get('asset') && world.below(Number(get('asset')));
  const all = orders.filter((o) => (!inside || inside.has(o.asset.id)) && (!get('mine') || o.assignee === 'liming'));
  const counts = Object.fromEntries(['open', 'in_progress', 'finished', 'closed', 'cancelled'].map((s) => [s, all.filter((o) => o.state === s).length]));
  return { items: all.filter((o) => !get('state') || o.state === get('state')), next: null, counts };
}

/* ---- sources ---- */
const CERTIFICATE = 'cc820a3050c62cfba0aaa316fc26f708d1cf30a4d74b7f978653a7212370c546';
const link = (state, extra = {}) => ({
  state, since_ms: now() - 50 * MINUTE, last_seen_ms: now() - 900, samples: 184_032, samples_per_s: 212.4, error: null, bad_points: [], bad_point_count: 0, gaps: 0, gap_s: 0,
  delay_s: 0.4, dropped: 0, quarantined: 0, overflows: 0, missed: 0, ...extra,
});
const connection = (endpoint) => ({
  endpoint, policy: 'Basic256Sha256', mode: 'SignAndEncrypt', username: 'dcs', has_password: true, server_certificate: CERTIFICATE, publishing_s: 0.5, sampling_s: 0.5, queue: 10,
});
const sources = [
  { code: 'dcs-u1', protocol: 'opcua', kind: 'opcua', partition: 'u1', points: 120, connection: connection('opc.tcp://10.10.1.20:4840'), link: link('connected', {
    bad_points: [{ key: 'ns=2;s=P103.TE9', tag: 'P103.TE8', reason: '服务器没有这个节点（BadNodeIdUnknown）' }], bad_point_count: 1, gaps: 2, gap_s: 94 }) },
  { code: 'dcs-u2', protocol: 'opcua', kind: 'opcua', partition: 'u2', points: 120, connection: connection('opc.tcp://10.10.2.20:4840'), link: link('down', {
    samples_per_s: 0, error: { code: 'opcua.unreachable', params: {}, text: '无法连接 opc.tcp://10.10.2.20:4840：连接被拒绝。请检查服务器是否运行、端口和防火墙。' } }) },
  { code: 'gw-1', protocol: 'mqtt', kind: 'mqtt', partition: 'u1', points: 12, connection: null, link: link('connected', { delay_s: null }) },
];
const OFFER = {
  server: { name: 'Pump station DCS', uri: 'urn:demo:dcs' },
  endpoints: [['Basic256Sha256', 'SignAndEncrypt', true], ['Basic256Sha256', 'Sign', true], ['None', 'None', true], ['Basic128Rsa15', 'SignAndEncrypt', false]].map(([policy, mode, supported]) => ({
    policy, mode, supported, url: 'opc.tcp://10.10.1.20:4840', certificate: CERTIFICATE, subject: 'CN=Pump station DCS,O=Demo', expires_ms: now() + 300 * 86_400_000, identities: ['anonymous', 'username'],
  })),
};
function browse(world, node) {
  const folder = (id, name, zh) => ({ node: id, name, title: zh, kind: 'folder', type: '', unit: '', low: null, high: null, description: '', value: null, status: 0, children: true, tag: null });
  if (!node) return { items: [folder('ns=2;s=Plant', 'Plant', '泵站')], next: null };
  if (node === 'ns=2;s=Plant') return { items: world.assets.filter((a) => a.type === 'pump').map((a) => folder(`ns=2;s=${a.code}`, a.code, a.title.zh)), next: null };
  const asset = world.assets.find((a) => node === `ns=2;s=${a.code}`);
  return { items: world.tags.filter((t) => t.asset === asset?.id).map((t) => ({
    ...folder(`ns=2;s=${t.code}`, t.code, t.title.zh), kind: 'variable', type: 'Double', unit: t.unit, low: t.low, high: t.high, description: t.title.en, value: world.sample(t, now())[2], status: world.sample(t, now())[3],
    children: false, tag: t.id % 3 ? t.code : null })), next: null };
}

/* ---- imports ---- */
const run = (kind) => ({
  id: '0190c000-0000-7000-8000-000000000001', kind, plant: 'demo', file_name: kind === 'tags' ? '点表.xlsx' : '模型表.xlsx', encoding: 'xlsx', sheet: 'Sheet1', rows: 40, creates: 30, changes: 3, unchanged: 5, errors: 2, problem_count: 2,
  state: 'checked', warnings: [], created_ms: now(), created_by: 'liming', expires_ms: now() + 86_400_000, applied_ms: null, applied_by: '',
  problems: [
    { row: 7, column: 'B', header: '设备', name: 'asset', value: 'P1O3', code: 'import.unknown_asset', text: '没有资产 P1O3（相近的有：P103, P101, P102）。' },
    { row: 12, column: 'E', header: '单位', name: 'unit', value: 'MPaa', code: 'import.unknown_unit', text: '没有单位 MPaa（相近的有：MPa, Pa）。' },
  ],
  items: Array.from({ length: 33 }, (_, i) => (i < 3
    ? { row: i + 2, action: 'change', code: `P10${i + 1}.PT`, fields: [{ name: 'high', old: 1.6, new: 2.5, by: '' }, { name: 'title_zh', old: '出口压力', new: '出口母管压力', by: '' }] }
    : { row: i + 2, action: 'create', code: `P30${i}.VT1`, fields: [{ name: 'asset', old: null, new: 'P103', by: 'kks' }, { name: 'title_zh', old: null, new: '驱动端振动', by: '' }, { name: 'unit', old: null, new: 'mm/s', by: '' }] })),
});
let imported = run('tags');
const files = [];

/** The answer to one request, undefined where it is for somebody else. */
export function answerB(world, method, path, url, body, user) {
  tell(world);
  const by = user === 'viewer' ? '访客' : 'liming';
  const [first, second, third] = path.split('/');
  if (path === 'alarms' && method === 'GET') return alarmList(world, url);
  if (path === 'people') return { items: PEOPLE };
  if (first === 'orders') {
    if (!second) return method === 'POST' ? order(world, body, by) : orderPage(world, url);
    const found = orders.find((o) => o.id === second);
    if (!found) return world.problem(404, 'order.not_found', '没有这张工单', 'There is no such work order');
    return third ? step(found, third, body, by) : found;
  }
  if (first === 'sources') {
    if (!second) return method === 'POST' ? (sources.push({ code: body.code, protocol: 'opcua', kind: 'opcua', partition: body.partition, points: 0, connection: connection(body.endpoint), link: link('connecting') }), sources.at(-1)) : { items: sources };
    if (second === 'look') return OFFER;
    const found = sources.find((s) => s.code === decodeURIComponent(second));
    if (!found) return world.problem(404, 'source.not_found', '没有这个数据源', 'There is no such source');
    if (third === 'browse') return browse(world, body.node);
    if (method === 'DELETE') sources.splice(sources.indexOf(found), 1);
    return found;
  }
  if (first === 'imports') {
    if (!second) imported = run(url.searchParams.get('kind') ?? 'tags');
    if (third === 'apply') Object.assign(imported, { state: 'applied', applied_ms: now(), applied_by: by });
    return imported;
  }
  if (first === 'assets' && second && !third) {
    const found = world.assets[Number(second) - 1];
    if (!found) return world.problem(404, 'asset.not_found', '没有这个资产', 'There is no such asset');
    const way = [];
    for (let a = found; a; a = world.assets[a.parent - 1]) way.unshift({ id: a.id, code: a.code, title: a.title });
    const inside = world.below(found.id);
    return { ...found, kks: found.type === 'pump' ? '1PAC10AP001' : '', path: way, children: world.assets.filter((a) => a.parent === found.id), tags: world.tags.filter((t) => inside.has(t.asset)).length, models: 1 };
  }
  if (third === 'files') {
    if (method === 'POST') files.push({ id: String(files.length), title: '磨煤机说明书', name: 'manual.pdf', media_type: 'application/pdf', size: 2_400_000, sha256: CERTIFICATE, by, at_ms: now() });
    return method === 'POST' ? files.at(-1) : { items: files };
  }
  if (first === 'kks') return { code: second, valid: true, parts: [{ level: 1, key: 'PAC', value: 'PAC', title: title('循环水管道系统', 'Circulating water piping') }, { level: 2, key: 'AP', value: 'AP001', title: title('泵', 'Pump') }], problems: [] };
  return undefined;
}
