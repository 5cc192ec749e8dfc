{
  description = "A company's developer shells, without nixpkgs: small enough to watch";

  outputs =
    { self }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" ];
      each = make: builtins.listToAttrs (map (system: { name = system; value = make system; }) systems);
    in
    {
      packages = each (system: import ./packages.nix { inherit system; });
      # Macs have one shell more, which imports from a derivation.
      devShells = each (system: import ./shells.nix { inherit system; }
        // (if system == "aarch64-darwin" then import ./planned-shell.nix { inherit system; } else { }));
    };
}
