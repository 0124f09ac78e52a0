import { CheckOutlined, UserOutlined } from '@ant-design/icons';
import { Dropdown, type MenuProps } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { queryClient } from '../../lib/client';
import { request } from '../../lib/http';
import { setLanguage } from '../../lib/i18n';
import { keys } from '../../lib/keys';
import type { Session } from '../../lib/types';
import { setPreferences, usePreferences } from '../../theme/preferences';
import { THEME_NAMES } from '../../theme/tokens';
import { ICONS } from './icons';
import { LanguageSwitch } from './language-switch';
import { OWN_PAGES, useMenu } from './nav';

async function signOut(): Promise<void> {
  try {
    queryClient.setQueryData(keys.session, await request<Session>('DELETE', 'session'));
  } catch {
    // Signed out by the server already, or unreachable: ask it who we are and show what it says.
  }
  await queryClient.invalidateQueries({ queryKey: keys.session });
  queryClient.removeQueries({ predicate: (q) => q.queryKey[0] !== 'session' });
}

export function UserMenu({ session, narrow }: { session: Session; narrow: boolean }) {
  const { t, i18n } = useTranslation('shell');
  const { theme, blink } = usePreferences();
  const navigate = useNavigate();
  const own = useMenu().flatMap((g) => g.items).filter((page) => OWN_PAGES.has(page.id));
  const items: MenuProps['items'] = [
    { key: 'who', type: 'group', label: t('shell:user.roles', { roles: session.user?.roles.map((r) => t(`shell:role.${r}`, { defaultValue: r })).join(' ') }) },
    { key: 'theme', type: 'group', label: t('shell:user.theme'), children: THEME_NAMES.map((name) => ({
      key: name, label: <span data-testid={`theme-${name}`}>{t(`shell:user.${name}`)}</span>, icon: name === theme ? <CheckOutlined /> : <span className="hw-nocheck" />,
    })) },
    { type: 'divider' },
    { key: 'blink', label: t(blink ? 'shell:user.blinkOff' : 'shell:user.blinkOn') },
    ...(narrow ? [{ key: 'language', label: t(`shell:language.${i18n.language === 'en' ? 'zh-CN' : 'en'}`) }] : []),
    { type: 'divider' },
    ...own.map((page) => ({ key: page.path, icon: ICONS[page.id], label: <span data-testid={`menu-${page.id}`}>{page.title}</span> })),
    { key: 'out', label: t('shell:user.out') },
  ];
  const onClick: MenuProps['onClick'] = ({ key }) => {
    const chosen = THEME_NAMES.find((name) => name === key);
    if (chosen) setPreferences({ theme: chosen });
    if (key === 'blink') setPreferences({ blink: !blink });
    if (key === 'language') void setLanguage(i18n.language === 'en' ? 'zh-CN' : 'en');
    if (own.some((page) => page.path === key)) void navigate(key);
    if (key === 'out') void signOut();
  };
  return (
    <>
      {narrow ? null : <LanguageSwitch keep />}
      <Dropdown menu={{ items, onClick }} trigger={['click']} placement="bottomRight">
        <button type="button" className="hw-textbutton hw-user" data-testid="user-menu" aria-label={t('shell:user.menu', { name: session.user?.display })}>
          <UserOutlined />
          {narrow ? null : <span className="hw-nowrap">{session.user?.display}</span>}
        </button>
      </Dropdown>
    </>
  );
}
