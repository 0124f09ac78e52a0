/** Newest value of each tag on screen. A component hears only of its own tag; a trend hears every sample. */
import { get } from '../lib/http';
import type { SampleRow } from '../lib/types';

export interface Point {
  time: number;
  value: number | null;
  status: number;
}

const VALUE_BATCH = 500;

class ValueStore {
  private readonly points = new Map<number, Point>();
  private readonly listeners = new Map<number, Set<() => void>>();
  private readonly streams = new Set<(rows: readonly SampleRow[]) => void>();
  private asked = new Set<number>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  get(id: number): Point | undefined {
    return this.points.get(id);
  }

  apply(rows: readonly SampleRow[]): void {
    const changed = new Set<number>();
    for (const [id, time, value, status] of rows) {
      const known = this.points.get(id);
      if (known && known.time >= time) continue;
      this.points.set(id, { time, value, status });
      changed.add(id);
    }
    for (const id of changed) this.listeners.get(id)?.forEach((listener) => listener());
    this.streams.forEach((listener) => listener(rows));
  }

  listen(id: number, listener: () => void): () => void {
    const set = this.listeners.get(id) ?? new Set();
    this.listeners.set(id, set.add(listener));
    this.ask(id);
    return () => {
      set.delete(listener);
      if (!set.size) this.listeners.delete(id);
    };
  }

  stream(listener: (rows: readonly SampleRow[]) => void): () => void {
    this.streams.add(listener);
    return () => this.streams.delete(listener);
  }

  /** After a reconnect: what is on screen may have moved on while the line was down. */
  refetch(ids: readonly number[]): void {
    ids.forEach((id) => this.ask(id));
  }

  clear(): void {
    this.points.clear();
  }

  private ask(id: number): void {
    this.asked.add(id);
    this.timer ??= setTimeout(() => void this.fetchAsked(), 20);
  }

  private async fetchAsked(): Promise<void> {
    const ids = [...this.asked];
    this.asked = new Set();
    this.timer = undefined;
    for (let at = 0; at < ids.length; at += VALUE_BATCH) {
      const part = ids.slice(at, at + VALUE_BATCH);
      try {
        const body = await get<{ items: { tag: number; time_ms: number; value: number | null; status: number }[] }>(
          `values?ids=${part.join(',')}`,
        );
        this.apply(body.items.filter((i) => i.time_ms).map((i) => [i.tag, i.time_ms, i.value, i.status]));
      } catch {
        // The values come with the live frames and are asked again after a reconnect; the age on screen tells the truth.
      }
    }
  }
}

export const valueStore = new ValueStore();
