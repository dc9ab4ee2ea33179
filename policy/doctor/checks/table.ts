import type { CheckResult } from '../finding.js';
import type { Premises, Site } from '../prepared.js';
import { abandonedCheck } from './abandoned.js';
import { accessCheck } from './access.js';
import { connectionCheck } from './connection.js';
import { intervalCheck, loosenessCheck, schemaHistoryCheck } from './declared.js';
import { differenceCheck } from './differences.js';
import { keyFileCheck, keyPairCheck, memoryCheck } from './key-files.js';
import { logStartCheck } from './log-starts.js';
import { quotaCheck } from './quotas.js';
import { clockCheck, compressionCheck, schemaCheck } from './records.js';
import { replicaCheck } from './replicas.js';
import { sealingCheck } from './sealing.js';
import { superUserCheck } from './super-users.js';

interface Named {
  readonly name: string;
  /** Left out: on every stream. */
  readonly applies?: (premises: Premises) => boolean;
}

/** `host`: of this machine and the file; it runs even where the cluster cannot be reached. */
export type Check = Named &
  (
    | { readonly needs: 'host'; readonly run: (premises: Premises) => CheckResult }
    | { readonly needs: 'cluster'; readonly run: (site: Site) => CheckResult }
  );

const seals = ({ configuration }: Premises): boolean => configuration.seal !== undefined;
const onKafka = ({ embedded }: Premises): boolean => !embedded;
const recorded = ({ configuration }: Premises): boolean =>
  configuration.configuration !== undefined;

/** In the order in which they tell: what is found twice is told by the first. */
export const CHECKS: readonly Check[] = [
  { name: 'topics', needs: 'cluster', run: differenceCheck('topics') },
  { name: 'log-starts', needs: 'cluster', run: logStartCheck },
  { name: 'partitions', needs: 'cluster', run: differenceCheck('partitions') },
  { name: 'settings', needs: 'cluster', run: differenceCheck('settings') },
  { name: 'looseness', needs: 'host', run: loosenessCheck },
  { name: 'replicas', needs: 'cluster', run: replicaCheck },
  { name: 'brokers', needs: 'cluster', applies: onKafka, run: differenceCheck('brokers') },
  { name: 'access', needs: 'cluster', applies: onKafka, run: accessCheck },
  { name: 'super-users', needs: 'cluster', applies: onKafka, run: superUserCheck },
  { name: 'quotas', needs: 'cluster', applies: onKafka, run: quotaCheck },
  { name: 'connection', needs: 'host', applies: onKafka, run: connectionCheck },
  {
    name: 'recorded-configuration',
    needs: 'cluster',
    applies: recorded,
    run: differenceCheck('recorded-configuration'),
  },
  { name: 'configuration-topic', needs: 'cluster', run: abandonedCheck },
  { name: 'key-files', needs: 'host', run: keyFileCheck },
  { name: 'key-pair', needs: 'host', run: keyPairCheck },
  { name: 'memory', needs: 'host', applies: seals, run: memoryCheck },
  { name: 'sealing', needs: 'cluster', run: sealingCheck },
  { name: 'intervals', needs: 'host', applies: seals, run: intervalCheck },
  { name: 'clocks', needs: 'cluster', run: clockCheck },
  { name: 'compression', needs: 'cluster', run: compressionCheck },
  { name: 'schemas', needs: 'cluster', run: schemaCheck },
  { name: 'schema-history', needs: 'host', run: schemaHistoryCheck },
  { name: 'waivers', needs: 'cluster', run: differenceCheck('waivers') },
];
