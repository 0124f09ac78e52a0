/** Numbers and times as the plant writes them: 24-hour, site time zone, steady number of decimals. */
import i18next from 'i18next';
import type { Title } from './types';

let zone = 'UTC';
const cache = new Map<string, Intl.DateTimeFormat>();

export function setZone(name: string): void {
  zone = name;
  cache.clear();
}

export const siteZone = (): string => zone;

function formatter(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  let found = cache.get(name);
  if (!found) {
    // sv-SE writes 2026-11-21 07:05:09: the order both languages of the platform use.
    found = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, hourCycle: 'h23', ...options });
    cache.set(name, found);
  }
  return found;
}

const HMS: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', second: '2-digit' };
const YMD: Intl.DateTimeFormatOptions = { year: 'numeric', month: '2-digit', day: '2-digit' };

export const formatTime = (ms: number): string => formatter('hms', HMS).format(ms);
export const formatMinute = (ms: number): string => formatter('hm', { hour: '2-digit', minute: '2-digit' }).format(ms);
export const formatDate = (ms: number): string => formatter('ymd', YMD).format(ms);
export const formatDay = (ms: number): string => formatDate(ms).slice(5);
export const formatDateTime = (ms: number): string => formatter('ymdhms', { ...YMD, ...HMS }).format(ms);

/** Time of day for today, with the date otherwise. */
export function formatWhen(ms: number, now: number): string {
  return formatDate(ms) === formatDate(now) ? formatTime(ms) : `${formatDay(ms)} ${formatTime(ms)}`;
}

/** Offset of the site's time zone from UTC at an instant. */
export function zoneOffsetMs(ms: number): number {
  return Date.parse(`${formatDateTime(ms).replace(' ', 'T')}Z`) - Math.floor(ms / 1000) * 1000;
}

export const zoneLabel = (ms: number): string => {
  const minutes = zoneOffsetMs(ms) / 60_000;
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  return `UTC${minutes < 0 ? '-' : '+'}${hours}${rest ? `:${String(rest).padStart(2, '0')}` : ''}`;
};

/** Decimals that show about a thousandth of the range, or four digits of a value without a range. */
export function decimalsFor(low: number | null, high: number | null, value: number): number {
  const span = low !== null && high !== null && high > low ? high - low : Math.abs(value);
  if (!(span > 0)) return 2;
  return Math.min(4, Math.max(0, 3 - Math.ceil(Math.log10(span) - 1e-9)));
}

export function formatNumber(value: number, decimals: number): string {
  return Math.abs(value) >= 1e7 ? value.toExponential(3) : value.toFixed(decimals);
}

export function formatValue(value: number | null, low: number | null = null, high: number | null = null): string {
  return value === null || !Number.isFinite(value) ? '—' : formatNumber(value, decimalsFor(low, high, value));
}

/** A value without a known range, such as that of an alarm: whole numbers, and states above all, stay whole. */
export function formatReading(value: number | null): string {
  return value !== null && Number.isInteger(value) && Math.abs(value) < 1e7 ? String(value) : formatValue(value);
}

const AGES: [number, string][] = [[86_400_000, 'day'], [3_600_000, 'hour'], [60_000, 'minute'], [1000, 'second']];

/** How long ago, in the largest fitting unit; never negative. */
export function formatAge(ms: number): string {
  const positive = Math.max(0, ms);
  const [size, unit] = AGES.find(([s]) => positive >= s) ?? [1000, 'second'];
  return i18next.t(`common:age.${unit}`, { n: Math.floor(positive / size) });
}

export function formatBytes(bytes: number): string {
  const step = Math.min(4, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${(bytes / 2 ** (10 * step)).toFixed(step && bytes / 2 ** (10 * step) < 100 ? 1 : 0)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][step]}`;
}

export function formatCount(n: number): string {
  return new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 }).format(n);
}

/** The title in the user's language, the other one where it is missing. */
export function titleOf(title: Title | null | undefined): string {
  if (!title) return '';
  return i18next.language === 'en' ? title.en || title.zh : title.zh || title.en;
}

/** A unit as people read it: that of a pure number is not written. */
export const unitText = (unit: string | null | undefined): string => (unit && unit !== '1' ? unit : '');
