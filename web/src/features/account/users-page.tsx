import { useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useSend } from '../../components/send';
import { Empty, Ready } from '../../components/states';
import { formatDateTime } from '../../lib/format';
import { accountKeys, unlockUser, usersQuery, type UserRow } from './api';
import '../../components/parts.css';
import './account.css';

function Row({ user }: { user: UserRow }) {
  const { t } = useTranslation('account');
  const { t: ts } = useTranslation('shell');
  const unlock = useSend<string>(unlockUser, { stale: [accountKeys.users] });
  const locked = user.locked_until_ms !== null;
  return (
    <tr data-testid="user-row" data-user={user.name} data-locked={locked}>
      <th scope="row">{user.display || user.name} <span className="hw-code">{user.name}</span></th>
      <td data-label={t('account:users.columns.roles')}>{user.roles.map((r) => ts(`shell:role.${r}`, { defaultValue: r })).join(' ') || <span className="hw-muted">{t('account:users.noRole')}</span>}</td>
      <td data-label={t('account:users.columns.state')}>
        {locked ? <span className="hw-badge" data-dashed="true">{t('account:users.locked', { time: formatDateTime(user.locked_until_ms ?? 0) })}</span>
          : <span className="hw-muted">{t(user.is_active ? 'account:users.active' : 'account:users.inactive')}</span>}
      </td>
      <td className="hw-acts">
        {locked ? <Button size="small" loading={unlock.isPending} data-testid="user-unlock" onClick={() => unlock.mutate(user.name)}>{t('account:users.unlock')}</Button> : null}
        <Link to={`/audit?actor=${encodeURIComponent(user.name)}`}>{t('account:users.audit')}</Link>
      </td>
    </tr>
  );
}

/** Who may sign in, with which roles, and who is locked out at this moment. */
export default function UsersPage() {
  const { t } = useTranslation('account');
  const users = useQuery(usersQuery());
  return (
    <div className="hw-page">
      <div className="hw-page-head"><h1>{t('account:users.title')}</h1></div>
      <section className="hw-panel">
        <Ready query={users} rows={6}>
          {(items) => (items.length ? (
            <div className="hw-tablewrap">
              <table className="hw-rows">
                <thead><tr>{(['name', 'roles', 'state', 'act'] as const).map((c) => <th key={c} scope="col" className={c === 'act' ? 'hw-right' : ''}>{t(`account:users.columns.${c}`)}</th>)}</tr></thead>
                <tbody>{items.map((user) => <Row key={user.name} user={user} />)}</tbody>
              </table>
            </div>
          ) : <Empty title={t('account:users.empty')} />)}
        </Ready>
      </section>
      <p className="hw-muted">{t('account:users.hint')}</p>
    </div>
  );
}
