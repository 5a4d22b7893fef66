import { digestOf } from '@runlog/read-model';
import type { NodeDefinition } from '@runlog/workflow';
import type { Fact } from './history.js';
import type { Effect } from './runner.js';
import { workflows } from './workflows.js';
import type { World } from './world.js';

interface Lives {
  readonly history: World['history'];
  /** By `<execution>:<node>`, in the order in which the world saw them. */
  readonly seen: ReadonlyMap<string, readonly Effect[]>;
}

/** A node that declares its effect, in one execution. */
interface Declared {
  readonly id: string;
  readonly node: NodeDefinition;
  readonly facts: readonly Fact[];
  readonly own: readonly Fact[];
  readonly seen: readonly Effect[];
}

/** I6: what the world saw of nodes that declare their effects. */
export const effectsByClass = ({ effects, history }: World): string[] => {
  const lives = { history, seen: Map.groupBy(effects, ({ executionId, node }) => `${executionId}:${node}`) };
  return [...history.byExecution].flatMap(([id, facts]) => {
    const nodes: readonly NodeDefinition[] = workflows[facts[0]?.data.workflow_version_id as keyof typeof workflows]?.nodes ?? [];
    return nodes
      .filter((node) => node.effect !== undefined || node.on_unknown !== undefined)
      .flatMap((node) => {
        const declared = { id, node, facts, own: facts.filter(({ data }) => data.node_id === node.id), seen: lives.seen.get(`${id}:${node.id}`) ?? [] };
        return [...intendedBefore(declared), ...repeatedByWord(declared), ...underOneKey(declared), ...asItWasLeft(declared, lives)].map(
          (because) => `I6: '${node.id}' of '${id}' ${because}`,
        );
      });
  });
};

/** The intent of each effect is on the log before the world sees it. */
const intendedBefore = ({ own, seen }: Declared): string[] =>
  seen.flatMap(({ attempt, at }) => {
    const intent = own.find(({ type, data }) => type === 'EffectIntended' && data.attempt === attempt);
    return intent && intent.landedAt <= at ? [] : [`was had by attempt ${attempt} before its intent was recorded`];
  });

const asks = ({ effect, on_unknown }: NodeDefinition): boolean => effect === 'at_most_once' || on_unknown === 'ask';
const errorOf = ({ data }: Fact): { readonly effect?: string } => (data.error ?? {}) as { effect?: string };

/** Where people are asked, an effect is had again by their word, or where it is known to have failed and may be tried again. */
const repeatedByWord = ({ node, own, seen }: Declared): string[] => {
  if (!asks(node)) return [];
  const words = own.filter(({ type, data }) => type === 'ResponseReceived' && data.decision === 'repeat').length;
  const failures = node.effect === 'at_most_once' ? 0 : own.filter((fact) => fact.type === 'NodeFailed' && errorOf(fact).effect === undefined).length;
  return seen.length > 1 + words + failures ? [`was had ${seen.length} times, with ${words} words to repeat it and ${failures} failures`] : [];
};

const underOneKey = ({ seen }: Declared): string[] => (new Set(seen.map(({ key }) => key)).size > 1 ? [`was had under ${seen.map(({ key }) => key).join(' and ')}`] : []);

/** A retry, or a replay of the same work, returns the receipt of what it follows, or goes on where that one was left. */
const asItWasLeft = ({ id, node, facts, own, seen }: Declared, { history }: Lives): string[] => {
  const { retry_of, replay_of, input } = facts[0]?.data ?? {};
  const source = history.byExecution.get(String(retry_of ?? replay_of));
  if (!source || digestOf(source[0]?.data.input) !== digestOf(input)) return [];
  const before = source.filter(({ data }) => data.node_id === node.id);
  const begun = before.findLast(({ type }) => type === 'EffectIntended' || type === 'EffectRecorded');
  if (!begun || isReused(facts, node.id)) return [];
  const receipt = before.findLast(({ type }) => type === 'EffectRecorded');
  if (receipt) {
    const returned = own.find(({ type }) => type === 'NodeCompleted');
    if (seen.length > 0) return [`was had, although '${receipt.executionId}' has its receipt`];
    const given = receipt.data.receipt ?? before.find(({ type }) => type === 'NodeCompleted')?.data.output ?? null;
    return returned && digestOf(returned.data.output) !== digestOf(given) ? ['returned something else than its receipt'] : [];
  }
  const failure = before.findLast(({ type }) => type === 'NodeFailed');
  const isKnown = failure !== undefined && errorOf(failure).effect !== 'unknown';
  const first = seen[0];
  if (!first) return [];
  if ((node.effect === 'keyed' || !isKnown) && first.key !== begun.data.key) return [`went on under '${first.key}', and was begun under '${String(begun.data.key)}'`];
  if (isKnown || !asks(node)) return [];
  const word = own.find(({ type, data }) => type === 'ResponseReceived' && data.decision === 'repeat');
  return word && word.landedAt <= first.at ? [] : [`was had in '${id}' without a word, although it was begun before`];
};

const isReused = (facts: readonly Fact[], node: string): boolean => facts.some(({ type, data }) => type === 'NodeReused' && (data.nodes as string[]).includes(node));
