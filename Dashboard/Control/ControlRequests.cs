namespace MoEActors.Dashboard.Control;

/// <summary>Something that is to be changed.</summary>
internal record ControlRequest
{
    /// <summary>Who asks for it: a name, for the log and for those who watch.</summary>
    public string? By { get; init; }
}

/// <summary>Another routing policy for a layer; what is left out stays as it is.</summary>
internal sealed record GateRequest : ControlRequest
{
    /// <summary>Experts of each token.</summary>
    public int? TopK { get; init; }

    /// <summary>Slots of an expert, as a multiple of its equal share; 0 for no limit.</summary>
    public float? CapacityFactor { get; init; }
}

/// <summary>Other settings of the director; what is left out stays as it is.</summary>
internal sealed record DirectorRequest : ControlRequest
{
    /// <summary>Whether the placement follows the load at all.</summary>
    public bool? On { get; init; }

    /// <summary>Whether it watches only, for now.</summary>
    public bool? Paused { get; init; }

    /// <summary>Name of the planner.</summary>
    public string? Policy { get; init; }

    /// <summary>A plan is made every so many steps.</summary>
    public int? Every { get; init; }

    /// <summary>Balance ratio above which a layer is planned for.</summary>
    public double? Trigger { get; init; }

    /// <summary>Steps in which a plan must earn its transfers.</summary>
    public int? HorizonSteps { get; init; }

    /// <summary>Steps for which an expert that has moved is left alone.</summary>
    public int? CoolDownSteps { get; init; }

    /// <summary>Bytes that may move during one step.</summary>
    public long? BytesPerStep { get; init; }

    /// <summary>Whether anything but <see cref="On"/> is said.</summary>
    public bool SaysMore => (Paused, Policy, Every, Trigger, HorizonSteps, CoolDownSteps, BytesPerStep) is not (null, null, null, null, null, null, null);
}

/// <summary>An expert is to go to another worker.</summary>
internal sealed record MoveExpertRequest : ControlRequest
{
    /// <summary>The layer.</summary>
    public required int Layer { get; init; }

    /// <summary>The expert.</summary>
    public required int Expert { get; init; }

    /// <summary>Rank of the worker in the view.</summary>
    public required int Rank { get; init; }
}

/// <summary>Something has been changed.</summary>
/// <param name="Done">What, in a sentence.</param>
internal sealed record ControlAnswer(string Done);
