import type { CheckResult } from '../finding.js';
import type { Site } from '../prepared.js';
import { differenceCheck } from './differences.js';

const fromPlan = differenceCheck('log-starts');

/** As `plan`, but a log that was adopted with its first records gone starts where that was signed. */
export function logStartCheck(site: Site): CheckResult {
  const { drafts, unseen } = fromPlan(site);
  const adopted = (topic: string, partition: number): boolean => {
    const bounds = site.observed.bounds.get(topic)?.[partition];
    if (bounds === undefined || !('logStart' in bounds)) return false;
    return site.cluster.logs.some((log) => {
      if ('error' in log || log.topic !== topic || log.partition !== partition) return false;
      return (log.first ?? log.memory?.first) === bounds.logStart;
    });
  };
  return {
    drafts: drafts.filter(
      ({ code, topic, partition }) =>
        code !== 'log-start-moved' ||
        topic == null ||
        partition == null ||
        !adopted(topic, partition),
    ),
    unseen,
  };
}
