import * as z from 'zod/mini'

/**
 * The Nix expressions that ask a source what it has: a flake, or the value of a file. They take the expression of its root, rather than
 * `nix eval <flake>#<attribute>`, which guesses (`packages.<system>.…` first), and whose guesses differ between versions.
 */

/** The expression of a flake. */
export function flakeRoot(reference: string): string {
  return `builtins.getFlake ${nixString(reference)}`
}

/**
 * The expression of a file such as `shell.nix`, for one system, as `nix-shell` and `nix-build` take it: a function is called with the arguments that it has a
 * name for. Source: Nix, src/nix-build/nix-build.cc and `EvalState::autoCallFunction`.
 * @param path absolute
 */
export function fileRoot(path: string, system: string, isShell: boolean): string {
  return `
    let
      value = import (/. + ${nixString(path)});
      arguments = { system = ${nixString(system)}; ${isShell ? 'inNixShell = true; ' : ''}};
    in if builtins.isFunction value
      then value (builtins.intersectAttrs (builtins.functionArgs value) arguments)
      else value`
}

/** A path of attribute names from the flake's top. */
export type AttributePath = string[]

// Answers with what is at a path, without evaluating what is behind a name.
const LIST = `
      list = path:
        let found = builtins.foldl'
          (set: name: if builtins.isAttrs set && set ? \${name} then set.\${name} else null) root path;
        in if !(builtins.isAttrs found) then "absent"
          else if (found.type or null) == "derivation" then "derivation"
          else { names = builtins.attrNames found; };`

/** Asks which names the attribute sets of a flake have. It does not evaluate when the flake as a whole does not. */
export function listing(root: string, sets: AttributePath[]): string {
  return `
    let
      root = ${root};${LIST}
      attempt = path:
        let answer = list path;
            result = builtins.tryEval (builtins.seq answer answer);
        in if result.success then result.value else "unknown";
    in {
      source = "\${root}";
      nixpkgs = root.inputs ? nixpkgs;
      sets = map attempt ${nixPaths(sets)};
    }`
}

/** Asks which names one attribute set has, and fails with what is wrong with it. */
export function setListing(root: string, path: AttributePath): string {
  return `
    let root = ${root};${LIST}
    in list ${nixPath(path)}`
}

const SetListing = z.union([
  z.object({ names: z.array(z.string()) }),
  z.enum(['absent', 'derivation', 'unknown']),
])
const Listing = z.object({ source: z.string(), nixpkgs: z.boolean(), sets: z.array(SetListing) })

/** What one attribute set has: names, or `absent`, or it is a `derivation` itself; `unknown` when it throws. */
export type SetListing = z.infer<typeof SetListing>
/**
 * The flake's source in the store, whether it has an input called `nixpkgs`, and what the attribute sets have that were asked for, in that order.
 */
export type Listing = z.infer<typeof Listing>

/** Reads what `listing` gave. */
export function parseListing(json: string): Listing {
  return Listing.parse(JSON.parse(json))
}

/** Reads what `setListing` gave. */
export function parseSetListing(json: string): SetListing {
  return SetListing.parse(JSON.parse(json))
}

/** Asks where the sources of a flake's inputs are, and of their inputs, each once. An input that is no flake has none itself. */
export function flakeInputs(root: string): string {
  return `
    let
      nodes = builtins.genericClosure {
        startSet = inputsOf (${root});
        operator = node: inputsOf node.input;
      };
      inputsOf = flake: map
        (name: let input = flake.inputs.\${name}; in { key = input.outPath; inherit input; })
        (builtins.attrNames (flake.inputs or { }));
    in map (node: builtins.unsafeDiscardStringContext node.key) nodes`
}

/** Asks for one attribute's derivation, and fails with what is wrong with it. */
export function derivationPath(root: string, path: AttributePath): string {
  return `
    let root = ${root};
    in (builtins.foldl' (set: name: set.\${name}) root ${nixPath(path)}).drvPath`
}

/**
 * Asks for the derivations of many attributes in one process. For each it prints a trace line, `<marker><JSON of a TraceAnswer>`, as soon as it is known.
 * What `tryEval` cannot catch (a missing attribute, a type error, import-from-derivation) ends the process: the attribute to blame is the first one without
 * an answer.
 * @param marker random: flake code can print traces, too
 */
export function derivationPaths(root: string, paths: AttributePath[], marker: string): string {
  return `
    let
      root = ${root};
      paths = ${nixPaths(paths)};
      answer = index:
        let
          path = builtins.elemAt paths index;
          attempt = builtins.tryEval
            (let value = builtins.foldl' (set: name: set.\${name}) root path;
            in if builtins.isAttrs value && value ? drvPath then value.drvPath else null);
        in { inherit index; } // (
          if !attempt.success then { }
          else if attempt.value == null then { isOther = true; }
          else { drvPath = attempt.value; });
    in builtins.foldl'
      (done: index: builtins.trace (${nixString(marker)} + builtins.toJSON (answer index)) null)
      null
      (builtins.genList (index: index) (builtins.length paths))`
}

/** What one attribute gave; without `drvPath` it threw, or `isOther`: it is no derivation. */
export interface TraceAnswer {
  index: number
  drvPath?: string
  isOther?: true
}

/** Reads one line of Nix's standard error; undefined when it is no answer. */
export function parseTraceAnswer(line: string, marker: string): TraceAnswer | undefined {
  const prefix = `trace: ${marker}`
  if (!line.startsWith(prefix)) return undefined
  // A process that is killed may leave half a line.
  if (!line.endsWith('}')) return undefined
  const answer: unknown = JSON.parse(line.slice(prefix.length))
  if (typeof answer !== 'object' || answer === null) return undefined
  if (!('index' in answer) || typeof answer.index !== 'number') return undefined
  if ('isOther' in answer) return { index: answer.index, isOther: true }
  // A `drvPath` that is no string is no derivation: like one that throws, it is asked for by itself, and Nix says what is wrong.
  if (!('drvPath' in answer) || typeof answer.drvPath !== 'string') return { index: answer.index }
  return { index: answer.index, drvPath: answer.drvPath }
}

/** An attribute path as Nix prints it: names that are no identifiers are quoted. */
export function showPath(path: AttributePath): string {
  return path.map((name) => (/^[a-zA-Z_][a-zA-Z0-9_'-]*$/.test(name) ? name : nixString(name))).join('.')
}

/** A string literal of the Nix language. */
export function nixString(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replaceAll('${', '\\${')}"`
}

function nixPath(path: AttributePath): string {
  return `[${path.map(nixString).join(' ')}]`
}

function nixPaths(paths: AttributePath[]): string {
  return `[${paths.map(nixPath).join(' ')}]`
}
