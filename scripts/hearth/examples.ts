/**
 * What stands below the options in a command's help: commands to copy, and what each is for.
 * @param examples arguments of `hearth`, and a few words
 */
export function examples(...lines: [command: string, what: string][]): string {
  const width = Math.max(...lines.map(([command]) => command.length))
  const written = lines.map(([command, what]) => `  hearth ${command.padEnd(width)}  ${what}`)
  return ['', 'Examples:', ...written].join('\n')
}
