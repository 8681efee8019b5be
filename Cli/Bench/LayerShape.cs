namespace MoEActors.Cli.Bench;

/// <summary>The layer to measure. Tokens are those of all workers together.</summary>
internal sealed record LayerShape(int Tokens, int ModelDimension, int Hidden, int Experts, int TopK);
