import { NixFailed } from '../machine/errors.ts'
import { nixFailed } from '../machine/nix-command.ts'
import { runProcess } from '../machine/processes.ts'

/**
 * The `system-features` of this machine's Nix, as its configuration has them.
 * @throws NixFailed
 */
export async function systemFeatures(environment: Record<string, string>): Promise<string[]> {
  const flags = ['--extra-experimental-features', 'nix-command']
  // 2.20 has renamed it.
  let command = [...flags, 'config', 'show', '--json']
  let output = await runProcess('nix', command, { environment })
  if (output.status !== 0) {
    command = [...flags, 'show-config', '--json']
    output = await runProcess('nix', command, { environment })
  }
  if (output.status !== 0) throw nixFailed(['nix', ...command], output)
  return parseFeatures(output.stdout)
}

/** What `nix config show --json` has under `system-features`: `{"value": ["benchmark", …]}`. @throws NixFailed */
export function parseFeatures(json: string): string[] {
  const config = JSON.parse(json) as Record<string, { value?: unknown } | undefined>
  const features = config['system-features']?.value
  if (Array.isArray(features) && features.every((feature) => typeof feature === 'string'))
    return features.sort()
  throw new NixFailed('nix config show --json names no system-features')
}
