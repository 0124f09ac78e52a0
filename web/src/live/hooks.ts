import { useQuery } from '@tanstack/react-query';
import { createContext, useCallback, useContext, useEffect, useSyncExternalStore } from 'react';
import { serverNow } from '../lib/http';
import { systemQuery } from '../lib/queries';
import type { Partition } from '../lib/types';
import { live } from './bridge';
import type { Link } from './socket';
import { valueStore, type Point } from './values';

export function useLink(): Link {
  return useSyncExternalStore(live.listenLink, () => live.link);
}

/** Newest value of a tag; keeps it subscribed while the component is on screen. */
export function usePoint(id: number): Point | undefined {
  useEffect(() => live.retain([id]), [id]);
  return useSyncExternalStore(
    useCallback((listener) => valueStore.listen(id, listener), [id]),
    () => valueStore.get(id),
  );
}

const tickers = new Set<() => void>();
let second = Math.floor(Date.now() / 1000);
setInterval(() => {
  second = Math.floor(Date.now() / 1000);
  tickers.forEach((listener) => listener());
}, 1000);

function listenTick(listener: () => void): () => void {
  tickers.add(listener);
  return () => tickers.delete(listener);
}

/** Server time, renewed each second. */
export function useNow(): number {
  useSyncExternalStore(listenTick, () => second);
  return serverNow();
}

const NONE: Partition[] = [];

/** Asked once by the shell and shared: every row of a table wants to know its partition's time. */
export const PartitionsContext = createContext<Partition[]>(NONE);

export function useAskPartitions(allowed: boolean): Partition[] {
  return useQuery({ ...systemQuery(), enabled: allowed }).data?.partitions ?? NONE;
}

export const usePartitions = (): Partition[] => useContext(PartitionsContext);

/** The time a partition has reached: its watermark under a replay clock, else now. */
export function usePartitionNow(code: string | null | undefined): { now: number; replay: boolean } {
  const wall = useNow();
  const partition = usePartitions().find((p) => p.code === code);
  const replay = partition?.clock === 'replay' && partition.watermark_ms !== null;
  return replay ? { now: partition.watermark_ms ?? wall, replay } : { now: wall, replay: false };
}
