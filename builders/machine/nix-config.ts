import { nixFailed } from './nix-command.ts'
import { runProcess } from './processes.ts'

/** Nix's settings by name, as `nix config show --json` has them: `{"cores": {"value": 4, …}, …}`. */
export type NixConfig = Record<string, { value?: unknown } | undefined>

/**
 * The configuration of this machine's Nix.
 * @throws NixFailed
 */
export async function nixConfig(environment: Record<string, string>): Promise<NixConfig> {
  const flags = ['--extra-experimental-features', 'nix-command']
  // 2.20 has renamed it.
  let command = [...flags, 'config', 'show', '--json']
  let output = await runProcess('nix', command, { environment })
  if (output.status !== 0) {
    command = [...flags, 'show-config', '--json']
    output = await runProcess('nix', command, { environment })
  }
  if (output.status !== 0) throw nixFailed(['nix', ...command], output)
  return JSON.parse(output.stdout) as NixConfig
}
