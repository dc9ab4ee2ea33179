import type { BrokerState, SettingSource } from '../../../stream/administration.js';
import { type Comparison, differ } from '../comparison.js';
import { BROKER_SETTINGS } from '../desired.js';
import type { Difference } from '../difference.js';

/** Where a person with rights, not the broker's file, has set it while the broker ran. */
const LIVE: ReadonlySet<SettingSource> = new Set<SettingSource>(['broker', 'cluster']);

/** Settings of brokers, which no client can be trusted to change: an operator's to mend. */
export function brokerDifferences(comparison: Comparison): Difference[] {
  const { brokers } = comparison.observed.cluster;
  return brokers.flatMap((broker) => ofBroker(comparison, broker));
}

function ofBroker(comparison: Comparison, { id, settings }: BrokerState): Difference[] {
  const subject = `broker ${id}`;
  if (settings === null) {
    const remedy = 'grant DescribeConfigs on the cluster to the principal that runs this';
    return [unseen(comparison, subject, 'settings', remedy)];
  }
  return BROKER_SETTINGS.flatMap(({ code, setting, wanted }) => {
    const found = settings.get(setting);
    if (code === 'allow-everyone') {
      // Without an authorizer nothing reads it; absent it is false.
      if (comparison.observed.rules === null || found === undefined) return [];
      // Brokers show no value of what their own code does not define, and take it for a secret.
      if (found.value === null) {
        return [
          differ(comparison, {
            code: 'allow-everyone-unseen',
            subject,
            field: setting,
            found: null,
            wanted,
            effect: 'none',
            by: 'broker',
            remedy: `look at ${setting} in the broker's file: it must be ${wanted}, or absent`,
          }),
        ];
      }
    }
    if (found === undefined || found.value === null || found.value === wanted) return [];
    return [
      differ(comparison, {
        code,
        subject,
        field: setting,
        found: found.value,
        wanted,
        effect: 'tightens',
        by: LIVE.has(found.source) ? 'operator' : 'broker',
        remedy:
          code === 'broker-unclean-election'
            ? 'kafka-configs.sh --alter --entity-type brokers --entity-default ' +
              `--add-config ${setting}=${wanted}`
            : `set ${setting}=${wanted} in the broker's file and restart it`,
      }),
    ];
  });
}

function unseen(
  comparison: Comparison,
  subject: string,
  field: string,
  remedy: string,
): Difference {
  return differ(comparison, {
    code: 'broker-settings-unseen',
    subject,
    field,
    found: null,
    wanted: 'to be seen',
    effect: 'none',
    by: 'operator',
    remedy,
  });
}
