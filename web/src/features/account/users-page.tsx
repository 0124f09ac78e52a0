import { LockOutlined } from '@ant-design/icons';
import { useHost } from '@headworks/app-sdk';
import { useQuery } from '@tanstack/react-query';
import { App, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useSend } from '../../components/send';
import { StaleNote } from '../../components/stale-note';
import { Empty, Ready } from '../../components/states';
import { formatTime } from '../../lib/format';
import { useNow } from '../../live/hooks';
import { accountKeys, unlockUser, usersQuery, type Person } from './api';
import '../../components/parts.css';
import './account.css';

function clock(ms: number): string {
  const s = Math.ceil(ms / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

/** Whether somebody can sign in now; a lock counts down by the server's clock. */
function Standing({ person, rest }: { person: Person; rest: number }) {
  const { t } = useTranslation('account');
  if (!person.is_active) return <span className="hw-badge" data-dashed="true">{t('account:users.off')}</span>;
  if (rest <= 0) return <span className="hw-muted">{t('account:users.active')}</span>;
  return (
    <span className="hw-lockline">
      <span className="hw-badge" data-strong="true"><LockOutlined aria-hidden /> {t('account:users.locked')}</span>
      <span className="hw-num" role="timer" data-testid="user-rest">{t('account:users.rest', { rest: clock(rest), time: formatTime(person.locked_until_ms ?? 0) })}</span>
    </span>
  );
}

function Row({ person }: { person: Person }) {
  const { t } = useTranslation('account');
  const now = useNow();
  const { can } = useHost();
  const { message } = App.useApp();
  const called = person.display || person.name;
  const unlock = useSend<string>(unlockUser, {
    stale: [accountKeys.users, accountKeys.audit], done: () => void message.success(t('account:users.unlocked', { name: called })),
  });
  const rest = person.locked_until_ms === null ? 0 : Math.max(0, person.locked_until_ms - now);
  return (
    <tr data-testid="user-row" data-user={person.name} data-locked={rest > 0}>
      <th scope="row">{called}</th>
      <td data-label={t('account:users.columns.name')} className="hw-code">{person.name}</td>
      <td data-label={t('account:users.columns.roles')}>
        {person.roles.length ? person.roles.map((r) => t(`shell:role.${r}`, { defaultValue: r })).join(' ') : <span className="hw-muted">{t('account:users.noRole')}</span>}
      </td>
      <td data-label={t('account:users.columns.state')}><Standing person={person} rest={rest} /></td>
      <td className="hw-acts">
        {rest > 0 ? (
          <Button
            size="small" loading={unlock.isPending} data-testid="user-unlock" aria-label={t('account:users.unlockName', { name: called })}
            onClick={() => unlock.mutate(person.name)}
          >{t('account:users.unlock')}</Button>
        ) : null}
        {can('audit.view') ? (
          <Link className="hw-actlink" to={`/audit?actor=${encodeURIComponent(person.name)}`} aria-label={t('account:users.auditName', { name: called })}>{t('account:users.audit')}</Link>
        ) : null}
      </td>
    </tr>
  );
}

const COLUMNS = ['display', 'name', 'roles', 'state'] as const;

/** Everybody who may sign in, and who is locked out for now. */
export default function UsersPage() {
  const { t } = useTranslation('account');
  const users = useQuery(usersQuery());
  return (
    <div className="hw-page">
      <div className="hw-page-head"><h1>{t('account:users.title')}</h1></div>
      <p className="hw-muted">{t('account:users.intro')}</p>
      <StaleNote query={users} />
      <section className="hw-panel">
        <Ready query={users} rows={5}>
          {(items) => (items.length ? (
            <div className="hw-tablewrap">
              <table className="hw-rows">
                <thead>
                  <tr>
                    {COLUMNS.map((c) => <th key={c} scope="col">{t(`account:users.columns.${c}`)}</th>)}
                    <th scope="col"><span className="hw-sr">{t('account:act')}</span></th>
                  </tr>
                </thead>
                <tbody>{items.map((person) => <Row key={person.name} person={person} />)}</tbody>
              </table>
            </div>
          ) : <Empty title={t('account:users.empty')} hint={t('account:users.emptyHint')} />)}
        </Ready>
      </section>
    </div>
  );
}
