/**
 * What an app's front end may rely on: the context the host gives and the shape of the module it must export.
 * Shared at run time through the host's import map, so host and apps see the same context object.
 */
import { createContext, useContext, type ComponentType } from 'react';

export const SDK_VERSION = '0.1.0';

/** A text in both languages of the platform. */
export interface Title {
  zh: string;
  en: string;
}

export interface HostUser {
  name: string;
  display: string;
  roles: string[];
  permissions: string[];
}

export interface Host {
  user: HostUser;
  language: 'zh-CN' | 'en';
  /** IANA name of the site's time zone; every time on screen is shown in it. */
  timezone: string;
  site: Title;
  can: (permission: string) => boolean;
}

export interface AppPage {
  /** Path below `/apps/<id>/`. */
  path: string;
  permission?: string;
  load: () => Promise<{ default: ComponentType }>;
}

/** The default export of an app's entry module. */
export interface AppModule {
  id: string;
  pages: AppPage[];
  /** Language to address of the JSON catalogue; fetched only for the language in use. */
  locales?: Record<string, string>;
}

export const HostContext = createContext<Host | null>(null);

/** The host as seen by a page. Throws outside the shell: a page is never rendered without a session. */
export function useHost(): Host {
  const host = useContext(HostContext);
  if (!host) throw new Error('useHost outside the host shell');
  return host;
}
