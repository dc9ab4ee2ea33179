/** What `verify` tells a person of the configurations that checkpoints name. */
import type { ConfigurationChange, ConfigurationReport } from '../consumer/verify/report.js';
import { counted, printable } from './output.js';
import { paint } from './paint.js';

const MOST_LINES = 50;

/** Logs that went on to one configuration one after the other. */
interface Group {
  readonly change: ConfigurationChange;
  readonly logs: Set<string>;
}

/** A line for each change, by time; none where no configuration is named. */
export function configurationLines(report: ConfigurationReport): string[] {
  const groups: Group[] = [];
  for (const change of report.changes) {
    const { config, text, topic, partition } = change;
    const last = groups.at(-1);
    const isSame = last?.change.config === config && last.change.text === text;
    if (isSame) last.logs.add(`${topic}/${partition}`);
    else groups.push({ change, logs: new Set([`${topic}/${partition}`]) });
  }
  const lines = groups.slice(0, MOST_LINES).map((group) => lineOf(group, report));
  const left = groups.length - lines.length;
  if (left > 0) lines.push(`  … and ${counted(left, 'more change')}: --json lists them`);
  if (report.more > 0) {
    lines.push(`  … and ${counted(report.more, 'change')} that no report lists`);
  }
  return lines;
}

function lineOf({ change, logs }: Group, report: ConfigurationReport): string {
  const { time, topic, partition } = change;
  const where = logs.size === 1 ? `${topic}/${partition}` : counted(logs.size, 'log');
  return `  from ${time} on (${where}): ${meaning(change, report)}`;
}

function meaning(change: ConfigurationChange, { topic, log }: ConfigurationReport): string {
  const { config, text, known } = change;
  if (text !== null) {
    return paint.yellow(`the checkpoints name no configuration, but "${printable(text)}"`);
  }
  if (config === null) return paint.yellow('the checkpoints name no configuration any more');
  const named = `configuration ${config}`;
  if (topic === null) return named;
  const verdict = log?.verdict ?? 'unchecked';
  const doubt = verdict === 'intact' ? null : `whose log is ${verdict}`;
  if (known === null) {
    const missing = doubt === null ? `which no record of ${topic} names` : `not found in ${topic}`;
    return `${named}, ${paint.yellow([missing, doubt].filter((text) => text !== null).join(', '))}`;
  }
  const sealedTo = log?.sealed?.next ?? 0n;
  const seal = known < sealedTo ? null : 'not sealed';
  const doubts = [doubt, seal].filter((text) => text !== null).map((text) => paint.yellow(text));
  return [named, `${topic}/0 offset ${known}`, ...doubts].join(', ');
}
