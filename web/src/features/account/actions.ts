/** What is written down about, by area; the audit trail holds no other. */
export const ACTIONS = [
  'session.opened', 'session.closed', 'session.refused', 'user.created', 'user.locked', 'user.unlocked', 'password.changed',
  'token.issued', 'token.revoked', 'plant.applied', 'import.applied', 'source.created', 'source.changed', 'source.removed', 'source.collect',
  'device.token_issued', 'alarms.acknowledge', 'order.created', 'order.start', 'order.finish', 'order.close', 'order.reopen', 'order.cancel',
  'order.assign', 'order.comment', 'file.added', 'file.removed', 'backtest.ask', 'job.cancel',
];

export const areaOf = (action: string): string => action.split('.')[0] ?? '';
export const AREAS = [...new Set(ACTIONS.map(areaOf))];
