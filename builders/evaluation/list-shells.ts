import { parseAttribute } from '../../functions/shared/attributes.ts'
import type { EvaluatedShell, ShellStatus } from '../../functions/shared/contract.ts'
import { FlakeDoesNotEvaluate, NothingToWarm } from '../machine/errors.ts'
import type { EvaluationTask } from '../machine/job.ts'
import { evaluateBounded, type EvaluationBounds } from './bounded-evaluation.ts'
import { brokenBy, type Candidate, explain, type Source } from './evaluate-system.ts'
import { listing, parseListing, parseSetListing, type SetListing, setListing } from './expressions.ts'
import type { ImportCaches } from './import-caches.ts'
import { Imports } from './imports.ts'
import { candidatesOf, type Place, placeOf } from './places.ts'
import type { RepositoryAccess } from './repository-access.ts'
import { type FetchedSource, fileSource, flakeSource } from './sources.ts'
import { TimeBudget } from './time-budget.ts'

/** What there is to evaluate for one system. */
export interface SystemToEvaluate {
  system: string
  /** of all its sources together */
  imports: Imports
  groups: { source: Source; candidates: Candidate[] }[]
}

/** What there is to evaluate in a commit. */
export interface FoundShells {
  systems: SystemToEvaluate[]
  /** attribute sets that cannot be listed, or not yet */
  unlisted: EvaluatedShell[]
  /** attributes that are only warmed if they evaluate */
  optional: ReadonlySet<string>
  /** undefined when nothing of it is wanted */
  flake: Source | undefined
}

/**
 * `nix develop` takes its bash from here when the flake has an input called `nixpkgs`, so that a shell is not warm without it. See design section 5.
 */
const BASH = 'nixpkgs#bashInteractive'

type Unlisted = Exclude<ShellStatus, { drvPath: unknown }>

/**
 * Finds the shells of a commit by their names, without evaluating one.
 * @throws FlakeDoesNotEvaluate with Nix's message
 * @throws NothingToWarm when it has none of the attributes for any of the systems
 */
export async function findShells(
  job: EvaluationTask,
  fetched: FetchedSource,
  bounds: Omit<EvaluationBounds, 'settings'>,
  caches: ImportCaches,
  access: RepositoryAccess,
): Promise<FoundShells> {
  const wanted = job.attributes.flatMap((attribute) => parseAttribute(attribute) ?? [])
  const budget = new TimeBudget(job.limits.secondsPerSystem)
  const plainFlake = flakeSource(fetched, bounds, access)
  const flakePlaces = placesOf(plainFlake).filter(({ place }) => place.source === plainFlake)
  const flake =
    flakePlaces.length > 0
      ? await listFlake(
          plainFlake,
          flakePlaces.map(({ place }) => place),
          budget,
        )
      : undefined
  const found: FoundShells = { systems: [], unlisted: [], optional: new Set([BASH]), flake: flake?.source }
  const places = placesOf(flake?.source)
  for (const system of job.systems) {
    const imports = new Imports(caches)
    const groups = new Map<Source, Candidate[]>()
    for (const { place } of places.filter((one) => one.system === system)) {
      const known = flake?.sets.get(place.show(place.path))
      const answer = known ?? (await listPlace(place, imports, budget))
      if (typeof answer === 'object' && !('names' in answer))
        found.unlisted.push({ attribute: place.show(place.path), system, ...answer })
      else if (candidatesOf(place, answer).length > 0)
        groups.set(place.source, [...(groups.get(place.source) ?? []), ...candidatesOf(place, answer)])
    }
    if (flake?.hasNixpkgs === true) groups.get(flake.source)?.push(bashFor(system))
    if (groups.size > 0)
      found.systems.push({
        system,
        imports,
        groups: [...groups].map(([source, candidates]) => ({ source, candidates })),
      })
  }
  if (found.systems.length === 0 && found.unlisted.length === 0) {
    const sought = places.map(({ place }) => place.show(place.path)).join(', ')
    throw new NothingToWarm(`${job.target.repository} at ${job.target.commit} has none of ${sought}`)
  }
  return found

  function placesOf(flakeSource: Source | undefined): { system: string; place: Place }[] {
    return job.systems.flatMap((system) => {
      const files = new Map<string, Source>()
      const file = (name: string): Source => {
        const source = files.get(name) ?? fileSource(fetched, name, system, bounds)
        files.set(name, source)
        return source
      }
      return wanted.flatMap((attribute) => {
        const place = placeOf(attribute, system, { flake: flakeSource, file })
        return place === undefined ? [] : [{ system, place }]
      })
    })
  }
}

function bashFor(system: string): Candidate {
  return { attribute: BASH, path: ['inputs', 'nixpkgs', 'legacyPackages', system, 'bashInteractive'] }
}

interface ListedFlake {
  source: Source
  hasNixpkgs: boolean
  /** what is known of its places, by how they are shown */
  sets: Map<string, SetListing>
}

/**
 * Lists all of a flake's places in one process. What cannot be listed so is left to be asked for by itself, so that it does not hide the others.
 * @throws FlakeDoesNotEvaluate
 */
async function listFlake(plain: Source, places: Place[], budget: TimeBudget): Promise<ListedFlake> {
  const paths = places.map(({ path }) => path)
  const ask = async (sets: typeof paths): ReturnType<typeof evaluateBounded> =>
    evaluateBounded(
      listing(plain.root, sets),
      { ...plain, settings: [...plain.settings, ...Imports.none] },
      () => budget.share(2),
    )
  const together = await ask(paths)
  const ending = together.result === undefined ? await ask([]) : together
  if (ending.result === undefined) throw new FlakeDoesNotEvaluate(explain(plain, ending))
  const { source, nixpkgs, sets } = parseListing(ending.result)
  const known = new Map<string, SetListing>()
  for (const [index, { path, show }] of places.entries()) {
    const answer = sets[index] ?? 'unknown'
    if (answer !== 'unknown') known.set(show(path), answer)
  }
  const replacements: Source['replacements'] = [[`${source}/`, ''], ...plain.replacements]
  return { source: { ...plain, replacements }, hasNixpkgs: nixpkgs, sets: known }
}

/** Lists one place in a process of its own. */
async function listPlace(
  { source, path }: Place,
  imports: Imports,
  budget: TimeBudget,
): Promise<SetListing | Unlisted> {
  for (;;) {
    imports.begin()
    const ending = await evaluateBounded(
      setListing(source.root, path),
      { ...source, settings: [...source.settings, ...imports.watchedSettings] },
      () => budget.share(2),
      (line) => {
        imports.read(line)
        return false
      },
    )
    if (ending.result !== undefined) {
      imports.confirm()
      return parseSetListing(ending.result)
    }
    const obstacle = await imports.obstacle(ending)
    if (obstacle === undefined) return brokenBy(source, ending)
    if (obstacle !== 'again')
      return imports.got === undefined ? obstacle : { ...obstacle, imported: imports.got }
  }
}
