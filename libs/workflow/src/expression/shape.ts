/** A part of a parsed JSONata expression, as the parser leaves it. */
export interface Part {
  readonly type: string;
  readonly value?: unknown;
  readonly position?: number;
  readonly [member: string]: unknown;
}

interface Reference {
  readonly node: string;
  readonly position: number | undefined;
}

/** What can be told about an expression from its text. */
export interface Shape {
  /** Variables and functions that it names, without `$`. */
  readonly variables: ReadonlyMap<string, number | undefined>;
  /** Variables that it binds itself. */
  readonly bound: ReadonlySet<string>;
  /** Members of the scope that it names. */
  readonly names: ReadonlyMap<string, number | undefined>;
  readonly regexes: readonly Part[];
  /** Nodes whose outputs it reads by name. */
  readonly references: readonly Reference[];
  /** It uses `nodes` (or the whole scope) so that the text does not say which. */
  readonly readsAnyNode: boolean;
  /** No value on its way can be much larger than the scope: no loops, no recursion, nothing bound. */
  readonly isBounded: boolean;
  /** It may change a value in place (the transform operator, on a clone). */
  readonly changesValues: boolean;
  /** Levels of nesting. */
  readonly depth: number;
}

/** Functions whose result is no larger than their arguments and whose cost is linear in them. */
const boundedFunctions = new Set(
  'sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim number floor ceil round abs sqrt power boolean not exists keys lookup type now millis random'.split(
    ' ',
  ),
);
/** Called without an argument, these do not read the value that they stand in. */
const contextFree = new Set(['now', 'millis', 'random']);
/** With one argument less, these read the value that they stand in. */
const contextWithOne = new Set(['lookup', 'each', 'sift']);

export function shapeOf(ast: unknown): Shape {
  const reader = new ShapeReader();
  reader.read(ast as Part, true, 1);
  return reader.found();
}

/** The shape of a plain path, told without parsing it. */
export function pathShape([first = '', second]: readonly string[]): Shape {
  const readsNodes = first === 'nodes';
  return {
    variables: new Map(),
    bound: new Set(),
    names: new Map([[first, first.length]]),
    regexes: [],
    references: readsNodes && second !== undefined ? [{ node: second, position: first.length + 1 + second.length }] : [],
    readsAnyNode: readsNodes && second === undefined,
    isBounded: true,
    changesValues: false,
    depth: 2,
  };
}

class ShapeReader {
  private readonly variables = new Map<string, number | undefined>();
  private readonly bound = new Set<string>();
  private readonly names = new Map<string, number | undefined>();
  private readonly regexes: Part[] = [];
  private readonly references: Reference[] = [];
  private readsAnyNode = false;
  private isBounded = true;
  private changesValues = false;
  private depth = 0;

  found(): Shape {
    const { variables, bound, names, regexes, references, readsAnyNode, isBounded, changesValues, depth } = this;
    return { variables, bound, names, regexes, references, readsAnyNode, isBounded, changesValues, depth };
  }

  /** `atRoot`: names here are members of the scope, not of some value within it. */
  read(part: Part | undefined, atRoot: boolean, depth: number): void {
    if (part === undefined) return;
    if (depth > this.depth) this.depth = depth;
    const down = depth + 1;
    switch (part.type) {
      case 'path':
        this.path(part, atRoot, down);
        break;
      case 'variable':
        this.variable(part, atRoot);
        break;
      case 'wildcard':
      case 'descendant':
        this.isBounded = false;
        if (atRoot) this.readsAnyNode = true;
        break;
      case 'parent':
        this.isBounded = false;
        this.readsAnyNode = true;
        break;
      case 'regex':
        this.isBounded = false;
        this.regexes.push(part);
        break;
      case 'function':
      case 'partial':
        this.call(part, atRoot, down);
        break;
      case 'lambda':
        this.isBounded = false;
        for (const parameter of part.arguments as Part[]) this.bound.add(String(parameter.value));
        this.read(part.body as Part, atRoot, down);
        break;
      case 'bind':
      case 'apply':
        this.isBounded = false;
        if (part.type === 'bind') this.bound.add(String((part.lhs as Part).value));
        else this.read(part.lhs as Part, atRoot, down);
        this.read(part.rhs as Part, atRoot, down);
        break;
      case 'transform':
        this.isBounded = false;
        this.changesValues = true;
        for (const member of ['pattern', 'update', 'delete']) this.read(part[member] as Part | undefined, false, down);
        break;
      case 'condition':
        for (const member of ['condition', 'then', 'else']) this.read(part[member] as Part | undefined, atRoot, down);
        break;
      case 'binary':
        if (part.value === '..') this.isBounded = false;
        this.read(part.lhs as Part, atRoot, down);
        this.read(part.rhs as Part, atRoot, down);
        break;
      case 'unary':
        this.read(part.expression as Part | undefined, atRoot, down);
        this.readAll(part.expressions as Part[] | undefined, atRoot, down);
        if (part.value === '{') this.pairs(part.lhs as Part[][], atRoot, down);
        break;
      case 'block':
        this.readAll(part.expressions as Part[], atRoot, down);
        break;
      case 'sort':
        for (const term of part.terms as { expression: Part }[]) this.read(term.expression, false, down);
        break;
    }
    if (part.focus !== undefined) this.bound.add(String(part.focus));
    if (part.index !== undefined) this.bound.add(String(part.index));
    for (const filter of [...((part.predicate as Part[]) ?? []), ...((part.stages as Part[]) ?? [])]) {
      if (filter.type === 'index') this.bound.add(String(filter.value));
      else this.read(filter.expr as Part | undefined, false, down);
    }
    if (part.group !== undefined) this.pairs((part.group as { lhs: Part[][] }).lhs, false, down);
  }

  private readAll(parts: readonly Part[] | undefined, atRoot: boolean, depth: number): void {
    for (const part of parts ?? []) this.read(part, atRoot, depth);
  }

  private pairs(pairs: readonly (readonly Part[])[], atRoot: boolean, depth: number): void {
    for (const pair of pairs) this.readAll(pair, atRoot, depth);
  }

  private path(part: Part, atRoot: boolean, depth: number): void {
    const steps = part.steps as Part[];
    const root = steps[0]?.type === 'variable' && (steps[0].value === '$' || (steps[0].value === '' && atRoot)) && !isFiltered(steps[0]);
    const head = root ? steps[1] : steps[0];
    if (root && !atRoot) this.isBounded = false;
    if (head?.type === 'name' && (root || atRoot)) {
      this.names.set(String(head.value), head.position);
      if (head.value === 'nodes') this.member(head, root ? steps[2] : steps[1]);
    } else if (root) this.readsAnyNode = true;
    if (steps.some((step) => step.focus !== undefined || step.index !== undefined)) {
      this.isBounded = false;
      this.readsAnyNode = true;
    }
    steps.forEach((step, index) => {
      if (index > 0 || !root) this.read(step, atRoot && index === 0, depth);
    });
  }

  /** `nodes`, then `next`. */
  private member(nodes: Part, next: Part | undefined): void {
    if (next?.type === 'name' && !isFiltered(nodes)) this.references.push({ node: String(next.value), position: next.position });
    else this.readsAnyNode = true;
  }

  private variable(part: Part, atRoot: boolean): void {
    const name = String(part.value);
    if (name === '$' || (name === '' && atRoot)) {
      this.readsAnyNode = true;
      if (!atRoot) this.isBounded = false;
    } else if (name !== '') {
      this.variables.set(name, part.position);
      if (!boundedFunctions.has(name)) this.isBounded = false;
    }
  }

  private call(part: Part, atRoot: boolean, depth: number): void {
    const procedure = part.procedure as Part;
    const parameters = part.arguments as Part[];
    const name = procedure.type === 'variable' ? String(procedure.value) : '';
    if (part.type === 'partial') this.isBounded = false;
    this.read(procedure, atRoot, depth);
    const [object, key] = parameters;
    if (name === 'lookup' && object?.type === 'path' && key?.type === 'string' && atRoot) {
      const steps = object.steps as Part[];
      if (steps.length === 1 && steps[0]?.type === 'name' && steps[0].value === 'nodes') {
        this.names.set('nodes', undefined);
        this.member(steps[0], { type: 'name', value: key.value, position: key.position });
        return;
      }
    }
    if (atRoot && ((parameters.length === 0 && !contextFree.has(name)) || (parameters.length === 1 && contextWithOne.has(name)))) this.readsAnyNode = true;
    this.readAll(parameters, atRoot, depth);
  }
}

const isFiltered = (step: Part): boolean => step.stages !== undefined || step.predicate !== undefined || step.group !== undefined;
