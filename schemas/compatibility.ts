import { type Model, parseModel, type RecordModel } from './model.js';
import { avroType } from './type.js';

/**
 * FULL_TRANSITIVE: every version must read what every other version wrote. On top of Avro's own
 * rules a logical type may not change: Avro would read milliseconds as microseconds without a word.
 *
 * `versions` are JSON texts, oldest first. Returns what is wrong, one line each; empty when nothing.
 */
export function incompatibilities(versions: readonly string[]): string[] {
  const problems: string[] = [];
  versions.forEach((reader, read) => {
    versions.forEach((writer, written) => {
      if (read === written) return;
      const pair = `version ${read + 1} cannot read version ${written + 1}`;
      try {
        avroType(reader).createResolver(avroType(writer));
      } catch (error) {
        problems.push(`${pair}: ${error instanceof Error ? error.message : String(error)}`);
      }
      if (read > written) {
        const changed = changedMeaning(parseModel(reader), parseModel(writer), '');
        problems.push(...changed.map((path) => `${pair}: ${path} has another logical type`));
      }
    });
  });
  return problems;
}

function changedMeaning(reader: Model, writer: Model, path: string): string[] {
  if (reader.kind === 'record' && writer.kind === 'record') {
    return changedFields(reader, writer, path);
  }
  if (reader.kind === 'array' && writer.kind === 'array') {
    return changedMeaning(reader.items, writer.items, `${path}/[]`);
  }
  if (reader.kind === 'map' && writer.kind === 'map') {
    return changedMeaning(reader.values, writer.values, `${path}/{}`);
  }
  if (reader.kind === 'nullable') {
    return changedMeaning(reader.of, writer.kind === 'nullable' ? writer.of : writer, path);
  }
  const meaning = (model: Model): string | null =>
    'logicalType' in model ? model.logicalType : null;
  return meaning(reader) === meaning(writer) ? [] : [path];
}

function changedFields(reader: RecordModel, writer: RecordModel, path: string): string[] {
  return reader.fields.flatMap((field) => {
    const same = writer.fields.find((other) => other.name === field.name);
    return same === undefined ? [] : changedMeaning(field.type, same.type, `${path}/${field.name}`);
  });
}
