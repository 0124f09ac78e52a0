import type { Locale } from 'antd/es/locale';
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { sessionQuery } from './queries';
import { queryClient } from './client';
import type { Language } from './types';

interface Catalogue {
  antd: Locale;
  features: Record<string, object>;
}

const LOADERS: Record<Language, () => Promise<{ default: Catalogue }>> = {
  'zh-CN': () => import('../locale/zh-CN'),
  en: () => import('../locale/en'),
};
const STORED = 'headworks.language';
const antdLocales = new Map<Language, Locale>();

export const antdLocale = (language: Language): Locale | undefined => antdLocales.get(language);

async function load(language: Language): Promise<void> {
  if (antdLocales.has(language)) return;
  const { default: catalogue } = await LOADERS[language]();
  antdLocales.set(language, catalogue.antd);
  for (const [feature, texts] of Object.entries(catalogue.features)) {
    i18next.addResourceBundle(language, feature, texts);
  }
}

const isLanguage = (value: unknown): value is Language => value === 'zh-CN' || value === 'en';

/** The user's own choice, else what the server says of the session, else the site's first language. */
export async function startI18n(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: 'zh-CN', fallbackLng: false, resources: {}, ns: ['common'], defaultNS: 'common',
    interpolation: { escapeValue: false }, returnNull: false,
  });
  const stored = localStorage.getItem(STORED);
  let language: Language = isLanguage(stored) ? stored : 'zh-CN';
  if (!isLanguage(stored)) {
    const session = await queryClient.fetchQuery(sessionQuery()).catch(() => null);
    if (isLanguage(session?.language)) language = session.language;
  }
  await applyLanguage(language);
}

async function applyLanguage(language: Language): Promise<void> {
  await load(language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

export async function setLanguage(language: Language): Promise<void> {
  localStorage.setItem(STORED, language);
  await applyLanguage(language);
}
