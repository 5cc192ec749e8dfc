import { parse } from 'yaml'
import { isObject } from '../json-object.ts'

/** The phases that run commands, in their order. */
export const COMMAND_PHASES = ['INSTALL', 'PRE_BUILD', 'BUILD', 'POST_BUILD'] as const
export type CommandPhase = (typeof COMMAND_PHASES)[number]

export interface PhaseCommands {
  commands: string[]
  /** run after the commands, whether they failed or not */
  finally: string[]
}

export interface Buildspec {
  variables: Record<string, string>
  /** variable -> `secret-id:json-key:version-stage:version-id` */
  secrets: Record<string, string>
  phases: Record<CommandPhase, PhaseCommands>
}

/** CodeBuild's name for a buildspec that it cannot use. */
export class InvalidBuildspec extends Error {
  override name = 'YAML_FILE_ERROR'
}

const PHASE_KEYS: Record<CommandPhase, string> = {
  INSTALL: 'install',
  PRE_BUILD: 'pre_build',
  BUILD: 'build',
  POST_BUILD: 'post_build',
}

/**
 * Reads a buildspec of version 0.2.
 * Source: CodeBuild user guide, "Build specification reference for CodeBuild".
 * Known: env.shell (bash), env.variables, env.secrets-manager, and commands and finally of every phase. `install.runtime-versions` is
 * accepted and without effect: Node is there. Everything else (artifacts, reports, cache, batch, run-as, on-failure, proxy) is refused by
 * name, so that nothing that would matter on AWS is silently left out.
 * @throws InvalidBuildspec
 */
export function parseBuildspec(text: string): Buildspec {
  const document = parseYaml(text)
  onlyKeys(document, ['version', 'env', 'phases'], 'the buildspec')
  if (String(document['version']) !== '0.2') throw new InvalidBuildspec('version has to be 0.2')
  const env = objectAt(document, 'env', 'env')
  onlyKeys(env, ['shell', 'variables', 'secrets-manager'], 'env')
  if (env['shell'] !== undefined && env['shell'] !== 'bash')
    throw new InvalidBuildspec(`env.shell: the local CodeBuild has bash only`)
  const phases = objectAt(document, 'phases', 'phases')
  onlyKeys(phases, Object.values(PHASE_KEYS), 'phases')
  return {
    variables: stringsAt(env, 'variables', 'env.variables'),
    secrets: stringsAt(env, 'secrets-manager', 'env.secrets-manager'),
    phases: {
      INSTALL: phaseCommands(phases, 'INSTALL'),
      PRE_BUILD: phaseCommands(phases, 'PRE_BUILD'),
      BUILD: phaseCommands(phases, 'BUILD'),
      POST_BUILD: phaseCommands(phases, 'POST_BUILD'),
    },
  }
}

function parseYaml(text: string): Record<string, unknown> {
  let document: unknown
  try {
    document = parse(text)
  } catch (error) {
    throw new InvalidBuildspec(`the buildspec is no YAML: ${String(error)}`, { cause: error })
  }
  if (!isObject(document)) throw new InvalidBuildspec('the buildspec is no YAML mapping')
  return document
}

function phaseCommands(phases: Record<string, unknown>, phase: CommandPhase): PhaseCommands {
  const key = PHASE_KEYS[phase]
  const where = `phases.${key}`
  const definition = objectAt(phases, key, where)
  onlyKeys(definition, ['commands', 'finally', ...(phase === 'INSTALL' ? ['runtime-versions'] : [])], where)
  return {
    commands: listAt(definition, 'commands', where),
    finally: listAt(definition, 'finally', where),
  }
}

function objectAt(parent: Record<string, unknown>, key: string, where: string): Record<string, unknown> {
  const value = parent[key] ?? {}
  if (!isObject(value)) throw new InvalidBuildspec(`${where} has to be a mapping`)
  return value
}

function stringsAt(parent: Record<string, unknown>, key: string, where: string): Record<string, string> {
  const strings: Record<string, string> = {}
  for (const [name, value] of Object.entries(objectAt(parent, key, where))) {
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
      throw new InvalidBuildspec(`${where}.${name} has to be a string`)
    strings[name] = String(value)
  }
  return strings
}

function listAt(parent: Record<string, unknown>, key: string, where: string): string[] {
  const value: unknown = parent[key] ?? []
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw new InvalidBuildspec(`${where}.${key} has to be a list of strings`)
  return value
}

function onlyKeys(value: Record<string, unknown>, known: string[], where: string): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  if (unknown !== undefined)
    throw new InvalidBuildspec(`${where}: the local CodeBuild does not know "${unknown}"`)
}
