import type { ChangeInput } from '../../schemas/generated.js';

const MOST_CHANGES = 1_000;
const MOST_CHARACTERS = 200_000;

/**
 * What differs between two canonical texts, by JSON Pointer; `before` null: everything is new. Where
 * that is too much for one event, one change of the whole says so: the texts are recorded anyway.
 */
export function textChanges(before: string | null, after: string): ChangeInput[] {
  const changes: ChangeInput[] = [];
  collect(changes, '', before === null ? undefined : JSON.parse(before), JSON.parse(after));
  const characters = changes.reduce(
    (sum, change) => sum + (change.before?.length ?? 0) + (change.after?.length ?? 0),
    0,
  );
  if (changes.length <= MOST_CHANGES && characters <= MOST_CHARACTERS) return changes;
  return [{ path: '', redacted: true }];
}

type Fields = Readonly<Record<string, unknown>>;

function isBranch(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function collect(changes: ChangeInput[], path: string, before: unknown, after: unknown): void {
  const deeper =
    isBranch(before) && isBranch(after) && Array.isArray(before) === Array.isArray(after);
  if (deeper) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    for (const name of names) {
      const token = name.replaceAll('~', '~0').replaceAll('/', '~1');
      collect(changes, `${path}/${token}`, own(before, name), own(after, name));
    }
    return;
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  changes.push({ path, before: textOf(before), after: textOf(after) });
}

function own(value: Fields, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function textOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
