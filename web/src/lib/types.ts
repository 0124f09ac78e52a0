/** The bodies of /api/v1 and the frames of /ws/live. Times are milliseconds since 1970 UTC. */
import type { HostUser, Title } from '@headworks/app-sdk';

export type { Title };
export type Language = 'zh-CN' | 'en';
/** Counts by priority 1 to 4. */
export type Counts = [number, number, number, number];

export interface User extends HostUser {
  must_change_password?: boolean;
}

export interface Session {
  authenticated: boolean;
  user: User | null;
  csrf: string;
  site: Title;
  language: Language;
  timezone: string;
  version: string;
}

export interface Asset {
  id: number;
  code: string;
  parent: number | null;
  type: string;
  title: Title;
  partition: string | null;
}

export interface AssetHealth {
  asset: number;
  active: Counts;
  unacked: number;
  tags: number;
  bad: number;
  stale: number;
}

export interface Tag {
  id: number;
  code: string;
  asset: number;
  title: Title;
  unit: string;
  kind: 'measured' | 'calculated';
  low: number | null;
  high: number | null;
  partition: string | null;
  /** After so much silence (ms of its partition's clock) the value is stale. */
  staleness_ms: number;
}

export interface History {
  tag: number;
  time_ms: number[];
  min: (number | null)[];
  max: (number | null)[];
  mean: (number | null)[];
  status: number[];
}

export type AlarmState = 'unacked_active' | 'acked_active' | 'unacked_cleared' | 'cleared';
export type Priority = 1 | 2 | 3 | 4;

export interface Alarm {
  id: string;
  instance: { id: number; code: string };
  condition: string;
  title: Title;
  asset: { id: number | null; code: string; title: Title };
  priority: Priority;
  state: AlarmState;
  raised_ms: number;
  cleared_ms: number | null;
  acked_ms: number | null;
  acked_by: string | null;
  value: number | null;
  unit: string | null;
  /** The limit the value went over, where the condition has one. */
  limit?: number | null;
  comment: string | null;
  tags: number[];
  /** The earliest alarm of a group that tripped: the others of the group are suppressed by it. */
  first_out?: boolean;
  /** Code of the alarm group, empty without one. */
  group?: string;
  suppressed_by?: { id: string; title: Title; instance: unknown } | null;
  /** How many open alarms this one suppresses now. */
  suppressing?: number;
  /** The first-out of a group that still suppresses open alarms: it stays among the open ones even after it ended itself. */
  group_active: boolean;
  suppressed_ms?: number | null;
  /** Set when the trip was over and this alarm, still active, became visible again. */
  released_ms?: number | null;
  order?: { id: string; number: string; state: string } | null;
}

/** What to do about a failure mode: how it shows, why it happens, what to do. */
export interface Guidance {
  mode: Title;
  symptoms: Title[];
  causes: Title[];
  actions: Title[];
}

export interface Transition {
  id: string;
  name: string;
  at_ms: number;
  before: AlarmState | 'normal';
  after: AlarmState | 'normal';
  value: number | null;
  status: number | null;
  by: string | null;
  comment: string | null;
}

export interface AlarmDetail extends Alarm {
  template?: string;
  transitions: Transition[];
  guidance: Guidance | null;
  /** The tags its condition depends on, with what they were compared with. */
  evidence?: { id: number; code: string; title: Title; unit: string; low: number | null; high: number | null; limits: { value: number; kind: 'above' | 'below' }[] }[];
  /** How many it suppresses now, how many it ever did, and the first of them: those suppressed now before the others. */
  suppressed: { total: number; ever: number; items: Alarm[] };
  orders?: { id: string; number: string; state: string }[];
}

export interface AlarmSummary {
  active: Counts;
  unacked: Counts;
  newest: Alarm | null;
  /** Open alarms that are suppressed at this moment. */
  suppressed?: number;
}

export interface Model {
  id: number;
  code: string;
  template: string;
  title: Title;
  asset: number;
  conditions: string[];
  active: number;
}

export interface Role {
  role: string;
  host: string;
  pid: number;
  ready: boolean;
  started_ms: number;
  age_ms: number;
  detail: Record<string, unknown> | null;
}

export interface Partition {
  code: string;
  clock: 'wall' | 'replay';
  watermark_ms: number | null;
  samples_per_s: number;
  /** Null while the bus does not answer. */
  log: { messages: number; bytes: number; max_bytes: number; first: number; last: number } | null;
  readers: { name: string; stream: string; position: number; lag: number }[];
}

export interface SystemState {
  roles: Role[];
  partitions: Partition[];
  version: string;
}

export interface Manifest {
  /** Pages of the host this person may see, in order of the menu. */
  pages: { id: string; path: string; title: Title }[];
  apps: AppEntry[];
}

export interface AppEntry {
  id: string;
  title: Title;
  module: string;
  css: string[];
  /** Set by the server when the app was refused before the browser asked for it. */
  refused?: string;
}

export interface Page<T> {
  items: T[];
  total?: number;
  next?: string | null;
}

export type SampleRow = [tag: number, timeMs: number, value: number | null, status: number];

export interface Problem {
  type?: string;
  title: string;
  status: number;
  code: string;
  params?: Record<string, unknown>;
  problems?: { field: string; value: unknown; code: string; text: string }[];
}
