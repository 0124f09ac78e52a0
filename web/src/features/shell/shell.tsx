import { MenuFoldOutlined, MenuUnfoldOutlined } from '@ant-design/icons';
import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'react-router';
import { Boundary } from '../../components/states';
import { titleOf } from '../../lib/format';
import { isNarrow, NARROW } from '../../lib/narrow';
import type { Session } from '../../lib/types';
import { useLink } from '../../live/hooks';
import { setPreferences, usePreferences } from '../../theme/preferences';
import { AssetTree } from './asset-tree';
import { GlobalSearch } from './global-search';
import { BottomNav, Rail } from './nav';
import { Sheet } from './sheet';
import { Clock, TopAlarms } from './top-parts';
import { UserMenu } from './user-menu';
import { LinkState, StaleStrip } from './link-state';
import './shell.css';

/** Pages where the tree stands open at first: one goes from place to place there. */
const PLACES = /^\/(monitor|tags|trends?|alarms|orders|assets)\b/;

function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(isNarrow);
  useEffect(() => {
    const media = matchMedia(NARROW);
    const listen = () => setNarrow(media.matches);
    media.addEventListener('change', listen);
    return () => media.removeEventListener('change', listen);
  }, []);
  return narrow;
}

/** Says to the style sheet, and to people, that what they see is not live. */
function useLinkAttribute(): void {
  const link = useLink();
  useEffect(() => { document.documentElement.dataset.link = link; }, [link]);
}

/** All unacknowledged marks blink together: started at different moments they would flicker. */
function useBlinkInStep(): void {
  useEffect(() => {
    const listen = (event: AnimationEvent) => {
      if (event.animationName !== 'hw-blink') return;
      for (const animation of (event.target as Element).getAnimations()) animation.startTime = 0;
    };
    document.addEventListener('animationstart', listen);
    return () => document.removeEventListener('animationstart', listen);
  }, []);
}

export function Shell({ session, children }: { session: Session; children: ReactNode }) {
  const { t } = useTranslation('shell');
  const narrow = useNarrow();
  const { treeCollapsed, treeElsewhere } = usePreferences();
  const [drawer, setDrawer] = useState(false);
  const location = useLocation();
  const site = titleOf(session.site);
  useLinkAttribute();
  useBlinkInStep();
  useEffect(() => { document.title = site; }, [site]);
  useEffect(() => setDrawer(false), [location.pathname]);
  const here = PLACES.test(location.pathname);
  const open = narrow ? drawer : here ? !treeCollapsed : treeElsewhere;
  const toggle = () => {
    if (narrow) setDrawer(!drawer);
    else setPreferences(here ? { treeCollapsed: open } : { treeElsewhere: !open });
  };
  return (
    <div className="hw-shell" data-tree={narrow ? 'none' : open ? 'open' : 'closed'}>
      <a className="hw-skip" href="#main">{t('shell:skip')}</a>
      <header className="hw-top">
        <button type="button" className="hw-iconbutton" aria-expanded={open} aria-label={t('shell:tree.toggle')} onClick={toggle}>
          {open ? <MenuFoldOutlined /> : <MenuUnfoldOutlined />}
        </button>
        <strong className="hw-site hw-nowrap">{site}</strong>
        <GlobalSearch narrow={narrow} />
        <TopAlarms />
        <Clock />
        <LinkState />
        <UserMenu session={session} narrow={narrow} />
      </header>
      {narrow ? null : <Rail />}
      {narrow ? (
        <Sheet className="hw-treedialog" title={t('shell:tree.title')} open={drawer} onClose={() => setDrawer(false)}><AssetTree /></Sheet>
      ) : open ? (
        <aside className="hw-side" aria-label={t('shell:tree.title')}><AssetTree /></aside>
      ) : null}
      <main id="main" className="hw-main" tabIndex={0}>
        <StaleStrip />
        <Boundary key={location.pathname}>{children}</Boundary>
      </main>
      {narrow ? <BottomNav /> : null}
    </div>
  );
}
