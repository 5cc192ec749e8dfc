import * as z from 'zod/mini'
import type { NixpkgsPin } from '../../functions/shared/contract.ts'
import { MOST_NAMES, MOST_PINS, PIN_WORDS } from '../../functions/shared/nixpkgs-pins.ts'

// Source: Nix, src/libflake/lockfile.cc: `inputs` names a node, or a path of inputs from the root (`follows`). Only what is read here; a reference that is another one
// (a path, a tarball) has other fields.
const Text = z.optional(z.string())
const Reference = z.object({ type: Text, owner: Text, repo: Text, ref: Text, rev: Text, url: Text })
const Locked = z.extend(Reference, { lastModified: z.optional(z.int()) })
const Node = z.object({
  inputs: z.optional(z.record(z.string(), z.union([z.string(), z.array(z.string())]))),
  locked: z.optional(Locked),
  original: z.optional(Reference),
})
const Lock = z.object({ version: z.number(), root: z.string(), nodes: z.record(z.string(), Node) })

type Lock = z.output<typeof Lock>
type Reference = z.output<typeof Reference>

// A path may lead through paths that lead through paths: a few names would make a walk without end. Real locks take some hundred steps.
const MOST_STEPS = 100_000

/**
 * The inputs of a flake.lock that are nixpkgs, or are called so: those of the flake itself first, then those of its inputs, each node once.
 * @param text a repository's, which may say anything; what is no lock has no pins
 */
export function parsePins(text: string): NixpkgsPin[] {
  const lock = parseLock(text)
  if (lock === undefined) return []
  const pins: NixpkgsPin[] = []
  const seen = new Set([lock.root])
  const open: { node: string; path: string[] }[] = [{ node: lock.root, path: [] }]
  const steps = { left: MOST_STEPS }
  for (const { node, path } of open)
    for (const [name, input] of Object.entries(nodeOf(lock, node)?.inputs ?? {})) {
      const key = typeof input === 'string' ? input : followed(lock, input, steps)
      if (key === undefined || seen.has(key)) continue
      seen.add(key)
      if (path.length + 1 < MOST_NAMES) open.push({ node: key, path: [...path, name] })
      const pin = pinOf([...path, name], nodeOf(lock, key))
      if (pin !== undefined && pins.length < MOST_PINS) pins.push(pin)
    }
  return pins
}

function parseLock(text: string): Lock | undefined {
  try {
    const parsed = z.safeParse(Lock, JSON.parse(text))
    return parsed.success ? parsed.data : undefined
  } catch {
    // no JSON: whatever is wrong with it, Nix says it better
    return undefined
  }
}

function nodeOf({ nodes }: Lock, name: string): Lock['nodes'][string] | undefined {
  return Object.hasOwn(nodes, name) ? nodes[name] : undefined
}

/** The node that a path of inputs leads to, which may lead through other paths; undefined when it leads nowhere, or the steps are used up. */
function followed(lock: Lock, path: string[], steps: { left: number }, depth = 0): string | undefined {
  // a circle has no end
  if (depth > MOST_NAMES) return undefined
  let key: string | undefined = lock.root
  for (const name of path) {
    if (steps.left-- <= 0) return undefined
    const inputs: NonNullable<Lock['nodes'][string]['inputs']> = nodeOf(lock, key)?.inputs ?? {}
    const input = Object.hasOwn(inputs, name) ? inputs[name] : undefined
    key = Array.isArray(input) ? followed(lock, input, steps, depth + 1) : input
    if (key === undefined) return undefined
  }
  return key
}

function pinOf(path: string[], node: Lock['nodes'][string] | undefined): NixpkgsPin | undefined {
  if (node === undefined) return undefined
  const { original = {}, locked = {} } = node
  const input = path.join('/')
  const repository = repositoryOf(original) ?? repositoryOf(locked)
  const isNixpkgs = repository?.toLowerCase() === 'nixos/nixpkgs' || path.at(-1) === 'nixpkgs'
  if (!isNixpkgs || !PIN_WORDS.input.test(input)) return undefined
  const ref = original.ref ?? channelOf(original)
  const { rev, lastModified } = locked
  return {
    input,
    ...(repository !== undefined && PIN_WORDS.repository.test(repository) ? { repository } : {}),
    ...(ref !== undefined && PIN_WORDS.ref.test(ref)
      ? { ref: ref.replace(/^refs\/(heads|tags)\//, '') }
      : {}),
    ...(rev !== undefined && PIN_WORDS.rev.test(rev) ? { rev } : {}),
    ...(lastModified !== undefined && lastModified >= 0 ? { lastModified } : {}),
  }
}

/** The repository of GitHub that a reference names; a channel's tarball is made of NixOS/nixpkgs. */
function repositoryOf(reference: Reference): string | undefined {
  const { type, owner, repo, url = '' } = reference
  if (type === 'github' && owner !== undefined && repo !== undefined) return `${owner}/${repo}`
  if (channelOf(reference) !== undefined) return 'NixOS/nixpkgs'
  return type === 'git'
    ? /^https:\/\/github\.com\/([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(url)?.[1]
    : undefined
}

/** `nixos-24.05` of `https://channels.nixos.org/nixos-24.05/nixexprs.tar.xz` and of `https://nixos.org/channels/nixos-24.05/…`. */
function channelOf({ type, url = '' }: Reference): string | undefined {
  if (type !== 'tarball') return undefined
  return /^https:\/\/(?:channels\.nixos\.org|nixos\.org\/channels)\/([\w.-]+)\/nixexprs\.tar\.\w+$/.exec(
    url,
  )?.[1]
}
