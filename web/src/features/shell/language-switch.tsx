import { useTranslation } from 'react-i18next';
import { setLanguage } from '../../lib/i18n';
import { request } from '../../lib/http';
import type { Language } from '../../lib/types';

/** Offers the other language, in its own words. `keep`: also remember it with the user. */
export function LanguageSwitch({ keep = false }: { keep?: boolean }) {
  const { t, i18n } = useTranslation('shell');
  const other: Language = i18n.language === 'en' ? 'zh-CN' : 'en';
  const change = async () => {
    await setLanguage(other);
    // The choice already holds on this desk; that the server did not note it is no reason to interrupt.
    if (keep) await request('PUT', 'session/language', { language: other }).catch(() => undefined);
  };
  return (
    <button type="button" className="hw-textbutton" lang={other} onClick={() => void change()} data-testid="language">
      {t(`shell:language.${other}`)}
    </button>
  );
}
