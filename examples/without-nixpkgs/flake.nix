{
  description = "A company's developer shells, without nixpkgs: small enough to watch";

  outputs =
    { self }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      each = make: builtins.listToAttrs (map (system: { name = system; value = make system; }) systems);
    in
    {
      packages = each (system: import ./packages.nix { inherit system; });
      devShells = each (system: import ./shells.nix { inherit system; });
    };
}
