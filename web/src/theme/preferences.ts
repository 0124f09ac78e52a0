/** What a person may change about the look of this desk; kept in the browser. */
import { useSyncExternalStore } from 'react';
import { applyTheme, type ThemeName } from './tokens';

interface Preferences {
  theme: ThemeName;
  blink: boolean;
  treeCollapsed: boolean;
  /** The tree beside pages that are not about one place of the plant. */
  treeElsewhere: boolean;
}

const KEY = 'headworks.preferences';
const DEFAULTS: Preferences = { theme: 'control-room', blink: true, treeCollapsed: false, treeElsewhere: false };
const listeners = new Set<() => void>();

function read(): Preferences {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>) };
  } catch {
    return DEFAULTS;
  }
}

let current = read();

function apply(): void {
  applyTheme(current.theme);
  document.documentElement.dataset.blink = current.blink ? 'on' : 'off';
}

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  localStorage.setItem(KEY, JSON.stringify(current));
  apply();
  listeners.forEach((listener) => listener());
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}

apply();
