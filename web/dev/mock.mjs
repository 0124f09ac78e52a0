/**
 * A development fixture, never shipped: serves the built bundle under the production CSP with made-up data behind the
 * same API and WebSocket, so that pages can be worked on and photographed without a plant.
 *   node web/dev/mock.mjs [port]        any user name, password "demo"; "new" must change it, "viewer" may not acknowledge
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, resolve } from 'node:path';
import { DIST } from '../scripts/shared.mjs';
import { answerA } from './mock-a.mjs';
import { answerB } from './mock-b.mjs';

const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };
const title = (zh, en) => ({ zh, en });
const now = () => Date.now();

/* ---- plant ---- */
const assets = [];
const tags = [];
const add = (code, parent, type, zh, en, partition) => {
  assets.push({ id: assets.length + 1, code, parent, type, title: title(zh, en), partition });
  return assets.length;
};
const tag = (code, asset, zh, en, unit, low, high, kind = 'measured', partition = 'u1') =>
  tags.push({ id: tags.length + 1, code, asset, title: title(zh, en), unit, kind, low, high, partition });
const plant = add('PLANT', null, 'site', '示范水厂', 'Demo waterworks', null);
const u1 = add('U1', plant, 'unit', '一期取水泵站', 'Intake pump station 1', 'u1');
const u2 = add('U2', plant, 'unit', '二期加压泵站', 'Booster station 2', 'u2');
for (const [unit, parent, part] of [['1', u1, 'u1'], ['2', u2, 'u2']]) {
  for (let n = 1; n <= 8; n += 1) {
    const code = `P${unit}0${n}`;
    const id = add(code, parent, 'pump', `${n} 号${n % 2 ? '离心泵' : '立式斜流泵机组'}`, `Pump ${unit}0${n}`, part);
    tag(`${code}.PT`, id, '出口压力', 'Discharge pressure', 'MPa', 0, 1.6, 'measured', part);
    tag(`${code}.FT`, id, '出口流量', 'Discharge flow', 'm3/h', 0, 1200, 'measured', part);
    tag(`${code}.VT1`, id, '驱动端轴承振动速度有效值', 'Drive-end bearing vibration velocity RMS', 'mm/s', 0, 11.2, 'measured', part);
    tag(`${code}.VT2`, id, '非驱动端振动', 'Non-drive-end vibration', 'mm/s', 0, 11.2, 'measured', part);
    for (let b = 1; b <= 8; b += 1) tag(`${code}.TE${b}`, id, `轴承温度 ${b}`, `Bearing temperature ${b}`, '℃', 0, 120, 'measured', part);
    for (const p of 'ABC') tag(`${code}.I${p}`, id, `${p} 相电流`, `Phase ${p} current`, 'A', 0, 400, 'measured', part);
    tag(`${code}.VT.MEAN`, id, '振动均值', 'Mean vibration', 'mm/s', null, null, 'calculated', part);
  }
}
const below = (root) => {
  const found = new Set([root]);
  for (const id of found) for (const a of assets) if (a.parent === id) found.add(a.id);
  return found;
};
const BAD = 0x808a0000;
const value = (t, ms) => {
  const mid = t.low === null ? 3 : (t.low + t.high) * 0.5;
  const span = t.low === null ? 1 : t.high - t.low;
  return mid + span * (0.12 * Math.sin(ms / 400_000 + t.id) + 0.03 * Math.sin(ms / 9000 + t.id * 7) + 0.02 * Math.sin(ms / 1300 * t.id));
};
const isBad = (t, ms) => t.id % 41 === 5 || (t.id % 7 === 1 && Math.floor(ms / 600_000) % 5 === 2);
const sample = (t, ms) => (isBad(t, ms) ? [t.id, ms, null, BAD] : [t.id, ms, value(t, ms), t.id % 53 === 0 ? 0x40950000 : 0]);

/* ---- alarms ---- */
const texts = [
  title('驱动端振动高', 'Drive-end vibration high'), title('轴承温度高高', 'Bearing temperature very high'),
  title('出口压力低', 'Discharge pressure low'), title('三相电流不平衡', 'Phase currents unbalanced'),
];
const alarms = [];
const raise = (n, at, state) => {
  const pumps = assets.filter((a) => a.type === 'pump');
  const asset = pumps[(n * 5) % pumps.length];
  const kind = n % 4;
  const own = tags.filter((t) => t.asset === asset.id);
  const alarm = {
    id: `0190a000-0000-7000-8000-${String(n).padStart(12, '0')}`, instance: { id: n, code: `${asset.code}-M${kind}` },
    condition: ['vib_high', 'temp_high', 'press_low', 'unbalance'][kind], title: texts[kind],
    asset: { id: asset.id, code: asset.code, title: asset.title }, partition: asset.partition, priority: [2, 1, 3, 4][kind], state,
    raised_ms: at, cleared_ms: state.endsWith('cleared') ? at + 240_000 : null, acked_ms: state.includes('unacked') || state === 'cleared' && n % 2 ? null : at + 90_000,
    acked_by: state === 'acked_active' ? '王建国' : '', value: [7.42, 96.3, 0.182, 14.1][kind], unit: ['mm/s', '℃', 'MPa', '%'][kind],
    status: 0, limit: [7.1, 95, 0.2, 10][kind], comment: state === 'acked_active' ? '已安排巡检。' : '', tags: [own[2].id, own[3].id],
  };
  alarms.unshift(alarm);
  return alarm;
};
for (let n = 1; n <= 60; n += 1) {
  raise(n, now() - (61 - n) * 400_000, n % 9 === 0 ? 'unacked_active' : n % 7 === 0 ? 'acked_active' : n % 11 === 0 ? 'unacked_cleared' : 'cleared');
}
const active = (a) => a.state.endsWith('_active');
const unacked = (a) => a.state.startsWith('unacked');
const counts = (list) => [1, 2, 3, 4].map((p) => list.filter((a) => a.priority === p).length);
const summary = () => ({ active: counts(alarms.filter(active)), unacked: counts(alarms.filter(unacked)), newest: alarms.find(unacked) ?? null });
const health = () => assets.map((a) => {
  const inside = below(a.id);
  const own = alarms.filter((x) => inside.has(x.asset.id));
  const mine = tags.filter((t) => inside.has(t.asset));
  return { asset: a.id, active: counts(own.filter(active)), unacked: own.filter(unacked).length, tags: mine.length, bad: mine.filter((t) => isBad(t, now())).length, stale: a.code === 'P203' ? 4 : 0 };
});
const acknowledge = (alarm, by, comment) => {
  Object.assign(alarm, { state: active(alarm) ? 'acked_active' : 'cleared', acked_ms: now(), acked_by: by, comment });
  broadcast({ type: 'alarms', items: [alarm] });
  broadcast({ type: 'summary', ...summary() });
  broadcast({ type: 'health', items: health() });
  return alarm;
};
const suppressedBy = (a) => {
  const items = alarms.filter((b) => b.suppressed_by?.id === a.id);
  return { total: items.length, ever: items.length, items: items.slice(0, 50) };
};
const detail = (a) => ({
  ...a, suppressed: suppressedBy(a), template: 'pump_vibration', guidance: {
    mode: title('轴承振动大', 'Excessive bearing vibration'),
    symptoms: [title('驱动端振动速度有效值高于报警值', 'Drive-end vibration velocity above the alarm value'), title('轴承温度同时上升', 'Bearing temperature rises with it')],
    causes: [title('联轴器对中不良', 'Coupling out of alignment'), title('地脚螺栓松动', 'Anchor bolts loose'), title('轴承磨损', 'Bearing wear')],
    actions: [title('核对就地振动表。', 'Check the local vibration gauge.'), title('检查地脚螺栓与联轴器对中。', 'Check anchor bolts and coupling alignment.'), title('持续升高时切换备用泵。', 'If it keeps rising, change to the standby pump.')],
  },
  transitions: [
    { id: '1', name: 'raise', at_ms: a.raised_ms, before: 'normal', after: 'unacked_active', value: a.value, status: 0, by: '', comment: '' },
    ...(a.acked_ms ? [{ id: '2', name: 'acknowledge', at_ms: a.acked_ms, before: 'unacked_active', after: 'acked_active', value: null, status: 0, by: a.acked_by, comment: a.comment }] : []),
    ...(a.cleared_ms ? [{ id: '3', name: 'clear', at_ms: a.cleared_ms, before: 'acked_active', after: 'cleared', value: a.value * 0.8, status: 0, by: '', comment: '' }] : []),
  ],
});
const started = now() - 7_400_000;
const system = () => ({
  roles: ['web', 'connect', 'engine:u1', 'engine:u2', 'history', 'dispatch', 'jobs'].map((role, i) => ({
    role, host: 'hw-01', pid: 4100 + i, ready: role !== 'jobs', started_ms: started, age_ms: role === 'engine:u2' ? 23_400 : Math.round(Math.random() * 900), detail: { messages: 182_000 + i, lag_ms: 12.3 },
  })),
  partitions: [['u1', 'wall'], ['u2', 'replay']].map(([code, clock], i) => ({
    code, clock, watermark_ms: clock === 'wall' ? now() - 2000 : now() - 86_400_000 * 40, samples_per_s: 1200 + Math.round(Math.random() * 40),
    log: { messages: 1_284_003, bytes: [640e6, 1960e6][i], max_bytes: 2 ** 31, first: 1, last: 1_284_003 },
    readers: [{ name: 'engine', stream: 'log', position: 1_284_003, lag: 0 }, { name: 'history', stream: 'log', position: 1_283_950, lag: 53 }, { name: 'dispatch', stream: 'out', position: 88_120, lag: 0 }],
  })), version: '0.1.0',
});

/* ---- HTTP ---- */
const sessions = new Map();
const PERMISSIONS = ['plant.view', 'history.view', 'models.view', 'alarms.view', 'system.view', 'jobs.view', 'backtests.run', 'jobs.cancel_any', 'alarms.acknowledge', 'orders.view', 'orders.create', 'orders.execute', 'orders.close', 'plant.edit', 'models.edit', 'devices.edit', 'files.view', 'files.edit'];
const session = (user) => ({
  authenticated: Boolean(user), csrf: 'mock', site: title('示范水厂', 'Demo Waterworks'), language: 'zh-CN', timezone: 'Asia/Shanghai', version: '0.1.0',
  user: user ? { name: user, display: user === 'viewer' ? '访客' : '李明', roles: [user === 'viewer' ? 'viewer' : 'operator'], permissions: user === 'viewer' ? PERMISSIONS.slice(0, 4) : PERMISSIONS, must_change_password: user === 'new' } : null,
});
const problem = (status, code, zh, en, texts_ = []) => ({ problem: true, status, code, title: [zh, en], problems: texts_ });
const PAGES = [
  ['monitor', '监盘', 'Monitoring', 'operate'], ['trends', '趋势', 'Trends', 'operate'], ['alarms', '报警', 'Alarms', 'operate'], ['orders', '工单', 'Work orders', 'operate'],
  ['models', '模型', 'Models', 'know'], ['knowledge', '处置指导', 'Guidance', 'know'], ['jobs', '任务', 'Jobs', 'know'], ['sources', '数据源', 'Data sources', 'data'],
  ['imports', '导入导出', 'Import', 'data'], ['system', '系统', 'System', 'admin'], ['audit', '审计', 'Audit', 'admin'],
];

function history(url) {
  const [from, to, points] = ['from', 'to', 'points'].map((k) => Number(url.searchParams.get(k)));
  const step = Math.max(1000, (to - from) / points);
  return { tags: url.searchParams.get('tags').split(',').map((id) => {
    const t = tags[id - 1];
    const out = { tag: t.id, time_ms: [], min: [], max: [], mean: [], status: [] };
    for (let at = from; at < Math.min(to, now() + 1); at += step) {
      const turn = Math.floor(at / 600_000) % 5;
      if (t.id % 7 === 3 && turn === 3) continue;
      const bad = isBad(t, at);
      const v = value(t, at);
      const half = step > 1000 ? (t.high ?? 4) * 0.02 : 0;
      out.time_ms.push(Math.round(at)); out.min.push(bad ? null : v - half); out.max.push(bad ? null : v + half); out.mean.push(bad ? null : v); out.status.push(bad ? BAD : t.id % 7 === 2 && turn === 4 ? 0x40930000 : 0);
    }
    return out;
  }) };
}

function list(url) {
  const state = url.searchParams.get('state') ?? 'all';
  const priority = url.searchParams.getAll('priority').map(Number);
  const asset = Number(url.searchParams.get('asset')) || null;
  const inside = asset && below(asset);
  const items = alarms.filter((a) => (state === 'all' || (state === 'open' && a.state !== 'cleared') || (state === 'active' && active(a)) || (state === 'unacked' && unacked(a)))
    && (!priority.length || priority.includes(a.priority)) && (!inside || inside.has(a.asset.id)));
  return { items, next: null };
}

function api(method, path, url, body, user) {
  const world = { assets, tags, alarms, below, sample, problem };
  const answer = answerA(world, method, path, url, body, user) ?? answerB(world, method, path, url, body, user);
  if (answer) return answer;
  if (path === 'session/password') return { enter: 'operator' };
  const ack = /^alarms\/([\w-]{36})\/acknowledge$/.exec(path);
  if (ack) {
    const found = alarms.find((a) => a.id === ack[1]);
    return unacked(found) ? acknowledge(found, session(user).user.display, body.comment) : problem(409, 'alarm.already_acknowledged', '该报警已由王建国确认', 'The alarm has been acknowledged by Wang Jianguo');
  }
  if (path === 'alarms/acknowledge') return { items: body.ids.map((id) => ({ id, alarm: acknowledge(alarms.find((a) => a.id === id), '李明', body.comment), error: null })) };
  if (/^alarms\/[\w-]{36}$/.test(path)) return detail(alarms.find((a) => a.id === path.slice(7)));
  if (/^tags\/\d+$/.test(path)) return tags[path.slice(5) - 1] ?? problem(404, 'tag.not_found', '没有这个测点', 'There is no such tag');
  switch (path) {
    case 'assets': return { items: assets };
    case 'health/assets': return { items: health() };
    case 'tags': {
      const inside = url.searchParams.get('asset') ? below(Number(url.searchParams.get('asset'))) : null;
      const found = tags.filter((t) => !inside || inside.has(t.asset));
      return { total: found.length, items: found.slice(Number(url.searchParams.get('offset'))).slice(0, 1000) };
    }
    case 'values': return { items: url.searchParams.get('ids').split(',').map((id) => sample(tags[id - 1], now())).map(([t, time_ms, v, status]) => ({ tag: t, time_ms, value: v, status })) };
    case 'history': return history(url);
    case 'alarms': return list(url);
    case 'alarms/summary': return summary();
    case 'models': return { items: assets.filter((a) => a.type === 'pump').map((a, i) => ({ id: i, code: `${a.code}-VIB`, template: 'pump_vibration', title: title('泵振动监测', 'Pump vibration'), asset: a.id, conditions: ['vib_high', 'vib_very_high'], active: alarms.filter((x) => active(x) && x.asset.id === a.id).length })) };
    case 'system': return user === 'viewer' ? problem(403, 'auth.forbidden', '您没有查看系统状态的权限', 'You may not see the state of the system') : system();
    case 'manifest': return { pages: PAGES.map(([id, zh, en, group]) => ({ id, path: `/${id}`, title: title(zh, en), group })).filter((p) => user !== 'viewer' || p.id !== 'system'), apps: [] };
    default: return problem(404, 'request.not_found', '未找到', 'Not found');
  }
}

function page(response) {
  const html = readFileSync(resolve(DIST, 'index.html'), 'utf8');
  const nonce = randomBytes(16).toString('base64');
  const hashes = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map((m) => `'sha256-${createHash('sha256').update(m[1]).digest('base64')}'`);
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store', 'Content-Security-Policy': `default-src 'none'; script-src 'self' ${hashes.join(' ')}; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'` });
  response.end(html.replace('name="csp-nonce" content=""', `name="csp-nonce" content="${nonce}"`));
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://mock');
  const file = resolve(DIST, `.${url.pathname}`);
  if (/^\/(assets|vendor)\//.test(url.pathname) && existsSync(file)) {
    const brotli = existsSync(`${file}.br`);
    response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'text/plain', 'Cache-Control': 'public, max-age=31536000, immutable', ...(brotli ? { 'Content-Encoding': 'br' } : {}) });
    return response.end(readFileSync(brotli ? `${file}.br` : file));
  }
  if (!url.pathname.startsWith('/api/v1/')) return page(response);
  let text = '';
  request.on('data', (chunk) => { text += chunk; });
  request.on('end', () => {
    const path = url.pathname.slice('/api/v1/'.length);
    const cookie = /hw=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
    const body = text && request.headers['content-type']?.includes('json') ? JSON.parse(text) : {};
    let user = sessions.get(cookie);
    const send = (status, data, headers = {}) => { response.writeHead(status, { 'Content-Type': 'application/json', ...headers }); response.end(JSON.stringify(data)); };
    const enter = (name) => { const id = randomBytes(8).toString('hex'); sessions.set(id, name); return send(200, session(name), { 'Set-Cookie': `hw=${id}; Path=/; HttpOnly; SameSite=Strict` }); };
    const english = request.headers['accept-language']?.startsWith('en');
    let answer;
    if (path === 'session') {
      if (request.method === 'DELETE') { sessions.delete(cookie); user = undefined; }
      if (request.method !== 'POST') return send(200, session(user));
      if (body.password === 'demo') return enter(body.username);
      if (body.username === 'locked') answer = { ...problem(429, 'auth.locked', '连续六次密码错误，账号已锁定', 'The account is locked'), params: { retry_s: 872 } };
      else if (body.username === 'slow') answer = { ...problem(429, 'auth.throttled', '登录失败次数过多', 'Too many attempts'), params: { retry_s: 5 } };
      else answer = problem(401, 'auth.wrong_credentials', '用户名或密码不正确，请核对大小写后重试', 'User name or password is wrong; check capitals and try again');
    } else if (!user) answer = problem(401, 'auth.required', '请先登录', 'Sign in first');
    else answer = api(request.method, path, url, body, user);
    if (answer.enter) return enter(answer.enter);
    if (answer.problem) return send(answer.status, { ...answer, title: answer.title[english ? 1 : 0] }, { 'Content-Type': 'application/problem+json' });
    return send(200, answer);
  });
  return undefined;
});

/* ---- WebSocket: text frames only, which is all the protocol uses ---- */
const clients = new Set();
function frame(text) {
  const data = Buffer.from(text);
  const head = data.length < 126 ? Buffer.from([0x81, data.length])
    : data.length < 65536 ? Buffer.from([0x81, 126, data.length >> 8, data.length & 255])
      : Buffer.concat([Buffer.from([0x81, 127, 0, 0, 0, 0]), Buffer.from(Uint32Array.of(data.length).buffer).reverse()]);
  return Buffer.concat([head, data]);
}
const broadcast = (message) => { for (const c of clients) if (c[message.type === 'system' ? 'system' : 'alarms']) c.socket.write(frame(JSON.stringify(message))); };

server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  const client = { socket, ids: [] };
  clients.add(client);
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 6) {
      let size = rest[1] & 127;
      let at = 2;
      if (size === 126) { size = rest.readUInt16BE(2); at = 4; }
      if (rest.length < at + 4 + size) return;
      const mask = rest.subarray(at, at + 4);
      const data = Buffer.from(rest.subarray(at + 4, at + 4 + size).map((b, i) => b ^ mask[i % 4]));
      if ((rest[0] & 15) === 8) socket.end();
      if ((rest[0] & 15) === 1) { const message = JSON.parse(data); if (message.op === 'tags') client.ids = message.ids; else client[message.op] = message.on; }
      rest = rest.subarray(at + 4 + size);
    }
  });
  socket.on('error', () => clients.delete(client));
  socket.on('close', () => clients.delete(client));
  socket.write(frame(JSON.stringify({ type: 'hello' })));
});
setInterval(() => {
  for (const c of clients) {
    const rows = c.ids.filter((id) => tags[id - 1] && !tags[id - 1].code.startsWith('P203.TE')).map((id) => sample(tags[id - 1], now()));
    if (rows.length) c.socket.write(frame(JSON.stringify({ type: 'samples', rows })));
  }
}, 500);
setInterval(() => broadcast({ type: 'system', ...system() }), 1000);
let next = 61;
if (process.env.MOCK_ALARMS) setInterval(() => {
  const alarm = raise(next, now(), 'unacked_active');
  next += 1;
  broadcast({ type: 'alarms', items: [{ ...alarm, sent_at: now() }] });
  broadcast({ type: 'summary', ...summary() });
}, Number(process.env.MOCK_ALARMS));

server.listen(Number(process.argv[2] ?? 8000), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
