namespace MoEActors.Modules.Gates;

/// <summary>The auxiliary loss that keeps experts equally busy.</summary>
public enum BalanceLossKind
{
    /// <summary><c>E·Σₑ mean_t(p_te)·fₑ</c>, fₑ the share of tokens whose first choice is e (GShard, arXiv 2006.16668, §2.2).</summary>
    FirstChoice,

    /// <summary>The same with fₑ the share of all k choices (DeepSeek-V3, arXiv 2412.19437, §2.1.2; Mixtral).</summary>
    AllChoices,

    /// <summary>½·(CV² of importance + CV² of the smooth load) (Shazeer et al., arXiv 1701.06538, §4; Tutel). Needs noise.</summary>
    LoadImportance,
}
