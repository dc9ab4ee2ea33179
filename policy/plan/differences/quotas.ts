import { type Comparison, differ, isUnseen, reasonOf } from '../comparison.js';
import type { Difference } from '../difference.js';

const LIMIT = 'producer_byte_rate';
const USER = 'User:';

/** What each publisher may produce, where ledger.yaml says so. */
export function quotaDifferences(comparison: Comparison): Difference[] {
  const wanted = declaredQuotas(comparison);
  if (wanted.size === 0) return [];
  const { quotas } = comparison.observed;
  if (isUnseen(quotas)) {
    return [
      differ(comparison, {
        code: 'quota-unseen',
        subject: 'cluster',
        field: 'quota',
        found: reasonOf(quotas),
        wanted: 'to be seen',
        effect: 'none',
        by: 'operator',
        remedy: 'grant DescribeConfigs on the cluster to the principal that runs this',
      }),
    ];
  }
  return [...wanted].flatMap(([user, limit]) => {
    const found = quotas.find((quota) => quota.user === user)?.limits.get(LIMIT);
    if (found === limit) return [];
    const change = { kind: 'quota', quota: { user, limits: new Map([[LIMIT, limit]]) } } as const;
    return differ(comparison, {
      code: found === undefined ? 'quota-absent' : 'quota-differs',
      subject: `${USER}${user}`,
      field: 'quota',
      found: found === undefined ? null : `${found} bytes/s`,
      wanted: `${limit} bytes/s`,
      effect: found === undefined || limit < found ? 'tightens' : 'adds',
      by: 'apply',
      remedy: `sealstream apply sets ${LIMIT}=${limit}`,
      change,
    });
  });
}

/** By user; of several for one user the smallest. */
function declaredQuotas({ declared, embedded }: Comparison): Map<string, number> {
  const quotas = new Map<string, number>();
  if (embedded) return quotas;
  for (const { principal, bytesPerSecond } of declared.configuration.principals?.publisher ?? []) {
    if (bytesPerSecond === null || !principal.startsWith(USER)) continue;
    const user = principal.slice(USER.length);
    quotas.set(user, Math.min(bytesPerSecond, quotas.get(user) ?? Number.POSITIVE_INFINITY));
  }
  return quotas;
}
