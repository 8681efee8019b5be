namespace Orleans.Configuration;

/// <summary>Who the silo is.</summary>
public class SiloOptions
{
    /// <summary>Its name.</summary>
    public string SiloName { get; set; } = "Silo";
}
