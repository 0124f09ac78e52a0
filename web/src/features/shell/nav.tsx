import { EllipsisOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { NavLink, useLocation } from 'react-router';
import { titleOf } from '../../lib/format';
import { manifestQuery, summaryQuery } from '../../lib/queries';
import type { Manifest } from '../../lib/types';
import { ICONS } from './icons';
import { Sheet } from './sheet';

interface Item {
  id: string;
  path: string;
  title: string;
}

interface Group {
  id: string;
  items: Item[];
}

type MenuPage = Manifest['pages'][number] & { group?: string };

/** Pages about oneself: they stand in the menu of the user, and on a phone in the sheet of all pages. */
export const OWN_PAGES = new Set(['tokens']);

/** How many pages stand in the bar of a phone before the rest goes under "more". */
const ON_PHONE = 4;

/** The pages by group, in the order the server gives them; apps come last. */
export function useMenu(): Group[] {
  const { data } = useQuery(manifestQuery());
  return useMemo(() => {
    const pages = (data?.pages ?? []) as MenuPage[];
    const groups = [...Map.groupBy(pages, (p) => p.group ?? 'operate')].map(([id, inside]) => ({
      id, items: inside.map((p) => ({ id: p.id, path: p.path, title: titleOf(p.title) })),
    }));
    const apps = (data?.apps ?? []).map((a) => ({ id: a.id, path: `/apps/${a.id}`, title: titleOf(a.title) }));
    return apps.length ? [...groups, { id: 'apps', items: apps }] : groups;
    // titleOf depends on the language, which redraws the shell.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [data, titleOf({ zh: 'zh', en: 'en' })]);
}

function Entry({ item, unacked }: { item: Item; unacked: number }) {
  const { t } = useTranslation('shell');
  return (
    <NavLink to={item.path} data-testid={`nav-${item.id}`}>
      {ICONS[item.id] ?? ICONS.app}
      <span className="hw-navname">{item.title}</span>
      {item.id === 'alarms' && unacked > 0 ? <em className="hw-num" aria-label={t('shell:unacked', { n: unacked })}>{unacked}</em> : null}
    </NavLink>
  );
}

function useUnacked(): number {
  return useQuery(summaryQuery()).data?.unacked.reduce((a, b) => a + b, 0) ?? 0;
}

/** Every page in one column beside the tree, group by group. */
export function Rail() {
  const { t } = useTranslation('shell');
  const groups = useMenu().map((g) => ({ ...g, items: g.items.filter((item) => !OWN_PAGES.has(item.id)) })).filter((g) => g.items.length);
  const unacked = useUnacked();
  return (
    <nav className="hw-rail" aria-label={t('shell:nav.label')}>
      {groups.map((group) => (
        <div key={group.id} role="group" aria-label={t(`shell:nav.group.${group.id}`, { defaultValue: group.id })}>
          {group.items.map((item) => <Entry key={item.id} item={item} unacked={unacked} />)}
        </div>
      ))}
    </nav>
  );
}

function More({ groups, open, onClose }: { groups: Group[]; open: boolean; onClose: () => void }) {
  const { t } = useTranslation('shell');
  return (
    <Sheet className="hw-moresheet" title={t('shell:nav.label')} open={open} onClose={onClose}>
      {groups.map((group) => (
        <section key={group.id}>
          <h3>{t(`shell:nav.group.${group.id}`, { defaultValue: group.id })}</h3>
          <div>{group.items.map((item) => <Entry key={item.id} item={item} unacked={0} />)}</div>
        </section>
      ))}
    </Sheet>
  );
}

/** The bar at the bottom of a phone: the first pages, and a sheet with all of them. */
export function BottomNav() {
  const { t } = useTranslation('shell');
  const groups = useMenu();
  const unacked = useUnacked();
  const [open, setOpen] = useState(false);
  const { pathname } = useLocation();
  useEffect(() => setOpen(false), [pathname]);
  const all = groups.flatMap((g) => g.items);
  const first = all.length > ON_PHONE + 1 ? all.slice(0, ON_PHONE) : all;
  const hidden = all.slice(first.length).some((item) => pathname.startsWith(item.path));
  return (
    <nav className="hw-bottomnav" aria-label={t('shell:nav.label')}>
      {first.map((item) => <Entry key={item.id} item={item} unacked={unacked} />)}
      {first.length < all.length ? (
        <button type="button" className={hidden ? 'active' : ''} aria-expanded={open} data-testid="nav-more" onClick={() => setOpen(true)}>
          <EllipsisOutlined />
          <span className="hw-navname">{t('shell:nav.more')}</span>
        </button>
      ) : null}
      <More groups={groups} open={open} onClose={() => setOpen(false)} />
    </nav>
  );
}
