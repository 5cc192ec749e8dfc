import pLimit from 'p-limit'
import type { PublicKey } from '../../../nix/signature.ts'
import { baseNameOf, hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import type { Upstream } from '../../shared/contract.ts'
import { stateKeys } from '../../shared/keys.ts'
import { type Bucket, findJson } from '../../shared/objects.ts'
import type { Published } from '../../shared/records.ts'
import { UpstreamUnavailable } from '../../shared/upstream.ts'
import { checkNar } from '../../shared/verification/check-nar.ts'
import { confirmNar } from '../../shared/verification/confirm-nar.ts'
import type { Fault } from '../../shared/verification/fault.ts'
import { IN_PROGRESS_MS } from '../../shared/verification/in-progress.ts'
import { findInUpstreams, isInCache } from '../../shared/verification/find-path.ts'
import { type ReadNarInfo, readNarInfo } from '../../shared/verification/read-narinfo.ts'
import type { RepairRequest } from '../../shared/verification/repair-request.ts'
import type { Suspect } from './suspect.ts'

/** What a repair looks at. */
export interface RepairWorld {
  cache: Bucket
  state: Bucket
  upstreams: Upstream[]
  /** a narinfo must be signed by one of them */
  keys: PublicKey[]
  now: () => number
}

// Reading narinfos is mostly waiting; reading NARs is work, and each takes some 20 MiB.
const NARINFOS_AT_ONCE = 32
const NARS_AT_ONCE = 4

/**
 * Looks at every narinfo that a repair names, as if nobody had looked before: the caller says where to look, never what is wrong.
 * @throws UpstreamUnavailable when it matters what an upstream has, and it does not answer
 */
export async function findSuspects(
  { cache, state, upstreams, keys, now }: RepairWorld,
  { keys: asked, evidence, content, records }: RepairRequest,
): Promise<Suspect[]> {
  const limit = pLimit(NARINFOS_AT_ONCE)
  const narLimit = pLimit(NARS_AT_ONCE)
  const stated = await readRecords()
  const derivers = new Map(
    stated.flatMap(({ deriver, outputs }) => outputs.map((output) => [output, deriver])),
  )
  const names = [...new Set([...asked, ...evidence])]
  const read = await Promise.all(names.map((key) => limit(() => look(key))))
  const here = new Set(read.flatMap((suspect) => (suspect.isVisible && suspect.path ? [suspect.path] : [])))
  const answers = new Map<StorePath, Promise<boolean>>()
  await Promise.all(read.map((suspect) => limit(() => checkReferences(suspect))))
  for (const suspect of read) suspect.fault ??= apartFault(suspect, read, now())
  await Promise.all(read.map((suspect) => limit(() => lookElsewhere(suspect))))
  nameRecords(read, stated)
  return read

  /** What the records say that the caller names: narinfos that cannot be read do not say what they are an output of. */
  async function readRecords(): Promise<StatedBuild[]> {
    const found = await Promise.all(
      records.map(async (name) => ({
        name,
        record: await limit(() => findJson<Published>(state, stateKeys.published(name))),
      })),
    )
    return found.flatMap(({ name, record }) =>
      record === undefined
        ? []
        : {
            name,
            deriver: baseNameOf(record.drvPath),
            outputs: Object.values(record.outputs).map(({ storePath }) => hashPartOf(storePath)),
          },
    )
  }

  async function look(key: string): Promise<Suspect> {
    const visible = await readNarInfo(cache, key, keys)
    const found = visible ?? (await readNarInfo(state, key, [], stateKeys.quarantined('')))
    const hashPart = key.slice(0, key.indexOf('.'))
    const deriver = found?.info?.deriver
    return {
      key,
      hashPart,
      isVisible: visible !== undefined,
      etag: visible?.etag ?? '',
      modified: visible?.modified ?? new Date(0),
      path: visible?.info?.storePath,
      references: visible?.info?.references ?? [],
      deriver: deriver !== undefined ? baseNameOf(deriver) : found && derivers.get(hashPart),
      records: [hashPart],
      fault: visible === undefined ? undefined : describe(await faultsOf(visible)),
      isElsewhere: false,
    }
  }

  async function faultsOf({ key, info, nar, faults }: ReadNarInfo): Promise<Fault[]> {
    if (faults.length > 0 || info === undefined || nar === undefined) return faults
    if (content.includes(key)) return narLimit(() => checkNar(cache, info, nar, []))
    const fault = await confirmNar(cache, key, nar.key, nar.fileSize)
    return fault === undefined ? [] : [fault]
  }

  async function checkReferences(suspect: Suspect): Promise<void> {
    for (const reference of suspect.references) {
      if (suspect.fault !== undefined) return
      if (here.has(reference) || (await isAnywhere(reference))) continue
      suspect.fault = `closure-incomplete: ${reference} is neither in the cache nor in a declared upstream`
    }
  }

  function isAnywhere(path: StorePath): Promise<boolean> {
    const known = answers.get(path)
    if (known !== undefined) return known
    const asked = isInCache(cache, path).then((isHere) => isHere || isUpstream(path))
    answers.set(path, asked)
    return asked
  }

  async function isUpstream(path: StorePath): Promise<boolean> {
    const where = await findInUpstreams(upstreams, path)
    if (where === 'unanswered')
      throw new UpstreamUnavailable(
        `no upstream answered for ${path}: try again, nothing was moved meanwhile`,
      )
    return where === 'elsewhere'
  }

  /** Only what is at fault, or may go because of that, matters; but that is most of what is asked for. */
  async function lookElsewhere(suspect: Suspect): Promise<void> {
    const isReferredTo =
      suspect.path !== undefined &&
      read.some(({ references }) => references.some((path) => path === suspect.path))
    if (isReferredTo && suspect.path !== undefined) suspect.isElsewhere = await isUpstream(suspect.path)
  }
}

/** A build, as its record states it. */
interface StatedBuild {
  /** of the record: the hash part of its first output */
  name: string
  deriver: string
  /** hash parts */
  outputs: string[]
}

/** Says of every output what its build's record may be named for: any of the outputs that are known. */
function nameRecords(suspects: Suspect[], stated: StatedBuild[]): void {
  const builds = Map.groupBy(
    [...suspects.map(({ hashPart, deriver }) => ({ name: hashPart, deriver })), ...stated],
    ({ deriver }) => deriver,
  )
  for (const suspect of suspects)
    if (suspect.deriver !== undefined)
      suspect.records = [...new Set((builds.get(suspect.deriver) ?? []).map(({ name }) => name))]
}

/** An output that stayed when another one of its build went; not one that may be being published right now, before the other. */
function apartFault(suspect: Suspect, all: Suspect[], now: number): string | undefined {
  if (!suspect.isVisible || suspect.deriver === undefined) return undefined
  if (suspect.modified.getTime() > now - IN_PROGRESS_MS) return undefined
  const gone = all.find(({ isVisible, deriver }) => !isVisible && deriver === suspect.deriver)
  return gone && `outputs-apart: ${gone.key} is of the same build, and is quarantined`
}

function describe(faults: Fault[]): string | undefined {
  return faults.length === 0 ? undefined : faults.map(({ fault, detail }) => `${fault}: ${detail}`).join('; ')
}
