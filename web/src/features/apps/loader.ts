/** Brings the module of an installed app, its style sheets and its texts into the page. */
import type { AppModule } from '@headworks/app-sdk';
import i18next from 'i18next';
import type { AppEntry } from '../../lib/types';

function style(href: string): Promise<void> {
  if (document.querySelector(`link[rel=stylesheet][href="${CSS.escape(href)}"]`)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = href;
    link.onload = () => resolve();
    link.onerror = () => {
      link.remove();
      reject(new Error(`style sheet ${href}`));
    };
    document.head.append(link);
  });
}

export async function loadApp(entry: AppEntry): Promise<AppModule> {
  await Promise.all(entry.css.map(style));
  const { default: app } = (await import(/* @vite-ignore */ entry.module)) as { default: AppModule };
  if (app?.id !== entry.id) throw new Error(`module of ${entry.id} says it is ${app?.id}`);
  const address = app.locales?.[i18next.language];
  if (address) {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`texts of ${entry.id}: ${answer.status}`);
    i18next.addResourceBundle(i18next.language, entry.id, await answer.json(), true, true);
  }
  return app;
}
