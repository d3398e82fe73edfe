"""Words that say nothing about a text's subject, per language (named as in PostgreSQL's text search)."""

from __future__ import annotations

from functools import lru_cache

_WORDS = {
    "english": """
        a about above after again against all also am an and any are aren't as at be because been before being below
        between both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each
        else etc ever explain few for from further give had hadn't has hasn't have haven't having he her here hers
        herself him himself his how i if in into is isn't it it's its itself just let's may me might more most must
        my myself name no nor not of off often on once one only or other our ours ourselves out over own please same
        say shall she should so some such tell than that that's the their theirs them themselves then there these
        they this those through to too under until up upon us very was wasn't we were weren't what what's when where
        which while who whom whose why will with within without won't would wouldn't yes yet you your yours yourself
    """,
    "german": """
        aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bin bis bist bitte da
        dadurch daher damit dann das dass dem den denn der des dessen die dies diese diesem diesen dieser dieses
        doch dort du durch ein eine einem einen einer eines er erkläre es etwas euch für gegen gibt habe haben hat
        hatte hatten hier hinter ich ihm ihn ihnen ihr ihre im in ins ist ja jede jedem jeden jeder jedes jetzt kann
        kannst kein keine können man mehr mein mich mir mit muss nach nennt nicht noch nun nur ob oder ohne sagt
        sehr sein seine sich sie sind so soll sollte sondern über um und uns unser unter viel vom von vor war waren
        warum was welche welcher welches wem wen wenn wer werden wie wieder wird wirst wo wofür wurde wurden zu zum
        zur zwischen
    """,
    "french": """
        a à afin ai alors après au aucun aussi autre aux avant avec avoir car ce ceci cela celle celui ces cet cette
        chaque chez comme comment combien d' dans de des depuis dont du elle elles en encore entre es est et été
        étaient était être eu eux fait font ici il ils j' je jusque l' la le les leur leurs lors lui ma mais me même
        mes moi mon n' ne ni nos notre nous on ont ou où par parce pas pendant peut plus pour pourquoi qu' quand que
        quel quelle quelles quels qui quoi s' sa sans se selon sera ses si son sont sous sur ta te tes toi ton tous
        tout toute toutes très tu un une vos votre vous y
    """,
    "spanish": """
        a al algo ante antes así aunque cada como cómo con contra cual cuál cuáles cuando cuándo cuánto cuántos de
        del desde donde dónde dos el él ella ellas ellos en entre era eran es esa esas ese eso esos esta está están
        estas este esto estos fue fueron ha había han hasta hay la las le les lo los más me mi mientras muy nada ni
        no nos nosotros o otra otro otros para pero poco por porque qué que quien quién se sea según ser si sí sido
        sin sobre son su sus también tan te tiene tienen todo todos tu tus un una uno unos usted y ya yo
    """,
    "italian": """
        a ad al alla alle allo anche ancora c' che chi ci come con contro cosa cui d' da dal dalla dalle de degli
        dei del della delle dello di dopo dove e è ed era erano essere fra gli ha hanno ho i il in io l' la le lei
        lo loro ma mi nel nella nelle no noi non nostro o ogni per perché perchè più può quale quali quando quanti
        quanto quella quello questa queste questi questo qui se sei sempre senza si sia sono su sua sul sulla sue
        sui suo tra tu tutti tutto un una uno vi voi
    """,
    "portuguese": """
        a à ao aos aquela aquele as às até cada com como da das de depois do dos e é ela elas ele eles em entre era
        eram essa esse esta está estas este estes eu foi foram há isso isto já la lhe mais mas me mesmo meu minha
        muito na nas não nem no nos nós o onde os ou para pela pelas pelo pelos por porque qual quais quando quanto
        quantos que quem são se sem ser seu seus só sobre sua suas também te tem têm um uma você
    """,
    "dutch": """
        aan al alle als altijd andere ben bij daar dan dat de der deze die dit doch door dus een en er ge geen had
        heb hebben heeft hem het hier hij hoe hoeveel hun iets ik in is je kan kon kunnen maar me meer men met mij
        mijn moet na naar niet nog nu of om omdat onder ons ook op over te tegen toch toen tot u uit uw van veel
        voor waar waarom wanneer want waren was wat welke werd werden wie wij worden wordt zal ze zich zij zijn zo
        zonder zou
    """,
}


@lru_cache(maxsize=32)
def stop_words(language: str) -> frozenset[str]:
    """Return the language's stop words in lower case; for a language without a list, none."""
    return frozenset(_WORDS.get(language, "").split())
