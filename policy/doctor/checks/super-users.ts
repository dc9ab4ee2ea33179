import type { CheckResult, Draft } from '../finding.js';
import type { Site } from '../prepared.js';

const SETTING = 'super.users';
const ANONYMOUS = 'User:ANONYMOUS';

/** For whom access rules do not hold: only admins of the file should be. */
export function superUserCheck({ observed, configuration }: Site): CheckResult {
  // Without an authorizer everyone is one, which is told elsewhere.
  if (observed.rules === null) return { drafts: [], unseen: [] };
  const admins = new Set(configuration.principals?.admin.map(({ principal }) => principal));
  const named = new Map<string, number[]>();
  const hidden: number[] = [];
  for (const { id, settings } of observed.cluster.brokers) {
    const setting = settings?.get(SETTING);
    if (setting === undefined) continue;
    if (setting.value === null) hidden.push(id);
    for (const principal of (setting.value ?? '').split(';').map((text) => text.trim())) {
      if (principal === '' || admins.has(principal)) continue;
      named.set(principal, [...(named.get(principal) ?? []), id]);
    }
  }
  const drafts = [...named].map(([principal, brokers]) => draftOf(principal, brokers));
  if (hidden.length > 0) {
    drafts.push({
      code: 'super-users-unseen',
      subject: brokersOf(hidden),
      found: `${SETTING} is set, its value hidden`,
      expected: null,
      remedy: `grep '^${SETTING}' server.properties, on every broker: only admins of ledger.yaml`,
      path: ['principals', 'admin'],
    });
  }
  return { drafts, unseen: [] };
}

function draftOf(principal: string, brokers: readonly number[]): Draft {
  const anonymous = principal === ANONYMOUS;
  return {
    code: anonymous ? 'super-user-anonymous' : 'super-user-undeclared',
    subject: principal,
    found: `in ${SETTING} of ${brokersOf(brokers)}`,
    expected: 'an admin of ledger.yaml',
    remedy:
      `take ${principal} out of ${SETTING} in the broker's file and restart it` +
      (anonymous ? '' : `; or principals: { admin: ['${principal}'] }`),
    path: ['principals', 'admin'],
  };
}

function brokersOf(ids: readonly number[]): string {
  return `${ids.length === 1 ? 'broker' : 'brokers'} ${ids.join(', ')}`;
}
