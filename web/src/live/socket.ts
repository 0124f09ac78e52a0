/**
 * The one WebSocket of a desk. Reconnects for ever with exponential back-off and jitter, says its subscriptions again
 * after each connect, and tells whether what is on screen is live.
 */
import type { Alarm, AlarmSummary, AssetHealth, SampleRow, SystemState } from '../lib/types';

export type Link = 'connecting' | 'live' | 'reconnecting' | 'stale';

export type Frame =
  | { type: 'hello' }
  | { type: 'samples'; rows: SampleRow[] }
  | { type: 'alarms'; items: Alarm[] }
  | ({ type: 'summary' } & AlarmSummary)
  | { type: 'health'; items: AssetHealth[] }
  | ({ type: 'system' } & SystemState)
  | { type: 'bye'; code: number | string };

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15_000;
const SUBSCRIBE_DELAY_MS = 40;
const MAX_TAGS = 5000;
/** Down for longer than this, or silent for longer: what is on screen is no longer live. */
const STALE_AFTER_MS = 10_000;
const SESSION_ENDED = 4401;

/** What a person may hear; asking for more ends the connection. */
export type Topic = 'tags' | 'alarms' | 'system';

export class LiveSocket {
  link: Link = 'connecting';
  private socket: WebSocket | null = null;
  private running = false;
  private attempts = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private subscribe: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;
  private readonly wanted = new Map<number, number>();
  private downSince = 0;
  private lastFrame = 0;
  private beats = false;
  private topics: ReadonlySet<Topic> = new Set();
  private readonly linkListeners = new Set<() => void>();

  constructor(
    private readonly onFrame: (frame: Frame) => void,
    private readonly onConnected: (again: boolean) => void,
    private readonly onSessionEnded: () => void,
  ) {}

  start(topics: ReadonlySet<Topic>): void {
    this.topics = topics;
    if (this.running) return;
    this.running = true;
    this.downSince = Date.now();
    this.setLink('connecting');
    this.connect(false);
    this.watch = setInterval(() => this.judge(), 1000);
    addEventListener('online', this.hurry);
  }

  stop(): void {
    this.running = false;
    clearTimeout(this.retry);
    clearTimeout(this.subscribe);
    clearInterval(this.watch);
    removeEventListener('online', this.hurry);
    const socket = this.socket;
    this.socket = null;
    socket?.close(1000);
  }

  /** Keeps a tag subscribed until the returned function is called. */
  retain(ids: readonly number[]): () => void {
    for (const id of ids) this.wanted.set(id, (this.wanted.get(id) ?? 0) + 1);
    this.saySoon();
    return () => {
      for (const id of ids) {
        const left = (this.wanted.get(id) ?? 1) - 1;
        if (left > 0) this.wanted.set(id, left);
        else this.wanted.delete(id);
      }
      this.saySoon();
    };
  }

  retained(): number[] {
    return [...this.wanted.keys()];
  }

  listenLink = (listener: () => void): (() => void) => {
    this.linkListeners.add(listener);
    return () => this.linkListeners.delete(listener);
  };

  private readonly hurry = (): void => {
    if (!this.running || this.socket) return;
    clearTimeout(this.retry);
    this.connect(this.attempts > 0);
  };

  private connect(again: boolean): void {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/ws/live`);
    this.socket = socket;
    socket.onopen = () => {
      this.attempts = 0;
      this.beats = false;
      this.lastFrame = Date.now();
      this.setLink('live');
      if (this.topics.has('alarms')) this.say({ op: 'alarms', on: true });
      if (this.topics.has('system')) this.say({ op: 'system', on: true });
      this.sayTags();
      this.onConnected(again);
    };
    socket.onmessage = (message: MessageEvent<string>) => {
      this.lastFrame = Date.now();
      if (this.link !== 'live') this.setLink('live');
      const frame = JSON.parse(message.data) as Frame;
      if (frame.type === 'system') this.beats = true;
      // A proxy may hide the close code from the page; the frame before it does not get lost.
      if (frame.type === 'bye' && Number(frame.code) === SESSION_ENDED) {
        this.closed(socket, SESSION_ENDED);
        return;
      }
      this.onFrame(frame);
    };
    socket.onclose = (event) => this.closed(socket, event.code);
  }

  private closed(socket: WebSocket, code: number): void {
    if (this.socket !== socket) return;
    this.socket = null;
    if (code === SESSION_ENDED) {
      this.stop();
      this.onSessionEnded();
      return;
    }
    if (this.link === 'live') this.downSince = Date.now();
    if (this.link !== 'stale') this.setLink('reconnecting');
    const ceiling = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** this.attempts);
    this.attempts += 1;
    this.retry = setTimeout(() => this.connect(true), ceiling * (0.5 + Math.random() / 2));
  }

  private judge(): void {
    const now = Date.now();
    const down = this.socket?.readyState !== WebSocket.OPEN;
    if (down && now - this.downSince > STALE_AFTER_MS) this.setLink('stale');
    // The system frame comes once a second; only a server that sends it can be found silent.
    if (!down && this.beats && now - this.lastFrame > STALE_AFTER_MS) this.setLink('stale');
  }

  private saySoon(): void {
    if (this.subscribe !== undefined) return;
    this.subscribe = setTimeout(() => {
      this.subscribe = undefined;
      this.sayTags();
    }, SUBSCRIBE_DELAY_MS);
  }

  private sayTags(): void {
    if (this.topics.has('tags')) this.say({ op: 'tags', ids: this.retained().slice(0, MAX_TAGS) });
  }

  private say(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private setLink(link: Link): void {
    if (this.link === link) return;
    this.link = link;
    for (const listener of this.linkListeners) listener();
  }
}
